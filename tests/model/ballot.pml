/*
 * Refs and configurations that move in a store without conditional put: the votes of
 * modelferry-repository(5), "Without conditional put", for SPIN.
 *
 *   spin -a [-DNAME ...] ballot.pml
 *   gcc -O2 -DSAFETY -DBFS -DCOLLAPSE -DNOREDUCE -o pan pan.c && ./pan
 *
 * One sequence number of one ref, which WRITERS want to put a position at, each another one.
 * A ballot is a number and its writer, so that each belongs to one attempt of one writer and all
 * have an order. Which number an attempt takes is left open: safety does not depend on it.
 *   try      BALLOT.t
 *   vote     BALLOT.v, and the position that it names; 0: not stored
 *   late     a vote that was sent and not answered, and arrives when it likes, or never
 *   position what the objects with this number say; 0: there is none. Each stands for any
 *            higher number too
 *
 * One atomic block is one request to the store. A process that is not scheduled is asleep, or
 * has a request under way that arrives later; OR_DIE ends it where it stands: what it put stays.
 *
 * D1  all that is decided, and all positions that are put, are one
 * D2  it is put when a writer ends with 0, or with 7 because it is another's
 *
 * Options: WRITERS, NUMBERS, below. Searched to the end, no error (states):
 *   2 writers x 1 number        6,030
 *   2 writers x 2 numbers     560,836
 *   3 writers x 1 number      963,063
 *
 * BUG_...: a simplification that looks harmless; each breaks D1.
 */
#ifndef WRITERS
#define WRITERS 2
#endif
#ifndef NUMBERS
#define NUMBERS 2		/* attempts of each writer, at most */
#endif
#define BALLOTS (WRITERS * NUMBERS)

bool try[BALLOTS];
byte vote[BALLOTS];
byte late[BALLOTS];
byte position;
byte decided;			/* what anybody found decided; not stored */

#define OR_DIE	:: goto dead

/* List the ballots: is there a higher one, and what is the highest vote below? */
inline look()
{
	d_step {
		beaten = false;
		seen = 0;
		i = 0;
		do
		:: i < BALLOTS ->
			if
			:: i > b && (try[i] || vote[i]) -> beaten = true
			:: i < b && vote[i] -> seen = vote[i]
			:: else -> skip
			fi;
			i++
		:: i == BALLOTS -> break
		od;
		i = 0
	}
}

/* List the ref: is the sequence number taken, or a higher one? */
inline end_if_taken()
{
	if
	:: atomic { position != 0 -> goto taken }
	:: atomic { position == 0 -> skip }
	OR_DIE
	fi
}

inline put_position(what)
{
	d_step { assert(position == 0 || position == what); position = what }
}

proctype Writer(byte me)
{
	byte number;		/* the next that is not used */
	byte b, i, seen, value;
	bool beaten;

again:	atomic { beaten = false; seen = 0; value = 0; b = 0 }
	if							/* 1. choose a ballot */
	:: atomic { number < NUMBERS -> b = number * WRITERS + me; number++ }
	:: atomic { number + 1 < NUMBERS -> number++; goto again }
	:: goto dead
	fi;
#ifndef BUG_NOTRY
	if :: try[b] = true OR_DIE fi;				/* 2. announce it */
#endif
#ifdef BUG_TAKENFIRST
	end_if_taken();
	look();
#else
	look();							/* 3. list the ballots */
	end_if_taken();						/*    then the ref */
#endif
	if
	:: atomic { beaten -> goto again }
	:: try[b] = false; goto again	/* it does not vote: nobody need know of it */
	:: atomic { !beaten ->
#ifdef BUG_OWN
		value = me + 1
#else
		value = (seen -> seen : me + 1)
#endif
		}
	fi;
	if							/* 4. vote */
	:: vote[b] = value
	:: atomic { late[b] = value; goto again }		/* not answered */
	:: atomic { vote[b] = value; goto take_back }		/* the keys changed */
	OR_DIE
	fi;
#ifndef BUG_NOLOOK
#ifdef BUG_TAKENFIRST
	end_if_taken();
	look();
#else
	look();							/* 5. list the ballots */
	end_if_taken();						/*    then the ref */
#endif
	if
	:: atomic { beaten -> goto again }
	:: atomic { !beaten -> skip }
	fi;
#endif
	d_step { assert(decided == 0 || decided == value); decided = value };
	if :: put_position(value) OR_DIE fi;			/* 6. put the position */
taken:	atomic { assert(position != 0 && position == decided) };	/* 7. list the ref: 0 or 7 */
	goto dead;
take_back:
	if :: vote[b] = 0 OR_DIE fi;
dead:	atomic { number = 0; b = 0; i = 0; seen = 0; value = 0; beaten = false }
}

#ifdef BUG_TIDY			/* without waiting for the position */
#define DONE	true
#else
#define DONE	(position != 0)
#endif
#define FATE(n) \
	:: atomic { late[n] -> vote[n] = late[n]; late[n] = 0 } \
	:: atomic { DONE && try[n] -> try[n] = false } \
	:: atomic { position && vote[n] -> vote[n] = 0 }

/* Votes arrive late, and what has served its turn is deleted. */
proctype World()
{
end:	do
	FATE(0)
	FATE(1)
#if BALLOTS > 2
	FATE(2)
#endif
#if BALLOTS > 3
	FATE(3)
#endif
#if BALLOTS > 4
	FATE(4)
	FATE(5)
#endif
	od
}

init
{
	atomic {
		run World(); run Writer(0); run Writer(1);
#if WRITERS == 3
		run Writer(2);
#endif
		skip
	}
}
