/*
 * A ref that moves beside a forget, with no locks: the orders of modelferry-repository(5),
 * FORGET, REFS, REKEY, for SPIN.
 *
 *   spin -a [-DNAME ...] ref.pml
 *   gcc -O2 -DSAFETY -DBFS -DCOLLAPSE -DNOREDUCE -o pan pan.c && ./pan
 *
 * One version V, which is listed while its mark is stored.  One ref, whose positions are put
 * one by one, each only if it is free; position 0 is what the ref is at before, another
 * version that nobody forgets.
 *   hold     h/: who puts one is about to point the ref at V, as the position that it names
 *   list     x/: a condemned list that names the mark of V
 *
 * One atomic block is one request to the store.  A process that is not scheduled is asleep,
 * or has a request under way that arrives later; OR_DIE ends it where it stands: what it put
 * stays.  Who died is never heard of again; a third party cannot tell one from the other.
 *
 * R  the ref's newest position never names V when its mark is gone
 *
 * Options: MOVERS, FORGETTERS, LAST, below.  Searched to the end, no error (states):
 *   1 mover x 1 forgetter, 3 positions      6,900
 *   2 x 1, 3 positions                    343,393
 *   2 x 2, 2 positions                  5,724,695
 *
 * BUG_...: a simplification that looks harmless; each breaks R.
 */
#ifndef MOVERS
#define MOVERS 2		/* 1 or 2 */
#endif
#ifndef FORGETTERS
#define FORGETTERS 2
#endif
#ifndef LAST
#define LAST 3			/* highest position */
#endif

byte newest;			/* the ref's position */
bool at_v;			/* it names V */
bool mark = true;		/* of V */
byte hold[2];		/* the position that a hold names, 0: there is none */
bool list[2];

#define R	assert(!at_v || mark)
#define LISTED	(list[0] || list[1])
#define OR_DIE	:: goto dead

#ifdef BUG_REFSFIRST		/* the ref was read before the holds */
#define AT_V	false
#else
#define AT_V	at_v
#endif
#ifdef BUG_OLDHOLD		/* one that is old is taken for dead */
#define HELD	false
#else
#define HELD	(seen[0] > newest || seen[1] > newest)
#endif

inline put_position(n, what)
{
	d_step {
		if
		:: newest < n -> newest = n; at_v = what
		:: else -> skip
		fi;
		R
	}
}

/* Point the ref at V. */
proctype Move(byte me)
{
	byte n;

	if							/* 0. find V, read the ref */
	:: atomic { mark && newest < LAST -> n = newest + 1 }
	:: atomic { !mark || newest == LAST -> goto dead }
	fi;
#ifdef BUG_LATEHOLD
	if :: atomic { LISTED || !mark -> goto dead } :: atomic { else -> skip } OR_DIE fi;
#endif
#ifndef BUG_NOHOLD
	if :: hold[me] = n OR_DIE fi;				/* 1. put the hold */
#endif
#ifndef BUG_LATEHOLD
	if							/* 2. read the lists */
	:: atomic { LISTED -> goto let_go }
	:: atomic { !LISTED -> skip }
	OR_DIE
	fi;
	if							/* 3. look for the mark */
	:: atomic { !mark -> goto let_go }
	:: atomic { mark -> skip }
	OR_DIE
	fi;
#endif
#ifdef BUG_EARLYLETGO
	hold[me] = 0;
#endif
	if :: put_position(n, true) OR_DIE fi;			/* 4. put the position */
let_go:
	if :: hold[me] = 0 OR_DIE fi;				/* 5. delete the hold */
dead:	n = 0
}

/* Forget V. */
proctype Forget(byte me)
{
	byte i;
	byte seen[2];

	if :: list[me] = true OR_DIE fi;			/* 1. put the list */
#ifdef BUG_REFSFIRST
	if :: atomic { at_v -> goto let_go } :: atomic { !at_v -> skip } OR_DIE fi;
#endif
	do							/* 2. read the holds */
	:: atomic { i < 2 -> seen[i] = hold[i]; i++ }
	:: atomic { i == 2 -> break }
	OR_DIE
	od;
	if							/* 3. read the ref */
	:: atomic { AT_V || HELD -> goto let_go }
	:: atomic { !(AT_V || HELD) -> skip }
	OR_DIE
	fi;
	if							/* 4. delete the mark */
	:: d_step { mark = false; R }
	OR_DIE
	fi;
let_go:
	if :: list[me] = false OR_DIE fi;			/* 5. delete the list */
dead:	atomic { i = 0; seen[0] = 0; seen[1] = 0 }
}

/* Others point the ref elsewhere; prunes delete lists of which no name is stored, and holds of
 * versions without a mark. */
proctype World()
{
	byte n;

end:	do
	:: atomic { newest < LAST -> n = newest + 1 };
		atomic { put_position(n, false); n = 0 }
#ifdef BUG_TIDY			/* lists left behind are deleted whatever they name */
	:: list[0] = false
#else
	:: atomic { !mark -> list[0] = false }
	:: atomic { !mark -> list[1] = false }
#endif
	:: atomic { !mark -> hold[0] = 0 }
	:: atomic { !mark -> hold[1] = 0 }
	od
}

init
{
	atomic {
		run Move(0); run Forget(0); run World();
#if MOVERS == 2
		run Move(1);
#endif
#if FORGETTERS == 2
		run Forget(1);
#endif
		skip
	}
}
