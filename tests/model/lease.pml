/*
 * Leases of runs: the steps of modelferry-repository(5), LEASES, for SPIN.
 *
 *   spin -a [-DNAME ...] lease.pml
 *   gcc -O2 -DSAFETY -DBFS -DCOLLAPSE -DNOREDUCE -o pan pan.c && ./pan
 *
 * TAKERS processes want one lease. The store has records 1..LAST, each put only where none is;
 * the highest counts, and lower ones may be deleted. Time passes at any moment, up to END; a
 * process that is not scheduled is asleep, or has a request under way that arrives later. Time
 * is the same for all, so the eighth that an observer waits longer is left out.
 *
 * L  no two processes may act at the same time
 *
 * Searched to the end, no error: 841,778 states.
 *
 * BUG_...: a simplification that looks harmless; each breaks L.
 */
#ifndef TAKERS
#define TAKERS 2
#endif
#ifndef LAST
#define LAST 3			/* highest record */
#endif
#ifndef END
#define END 4			/* last moment */
#endif
#define TERM 1			/* duration of a lease */

byte now;
bool there[LAST + 2];		/* record n is stored; none is at 0 */
bool holds[TAKERS];
byte until[TAKERS];

#define ACTS(i)	(holds[i] && now < until[i])
#if TAKERS == 2
#define L	assert(!(ACTS(0) && ACTS(1)))
#else
#define L	assert(!(ACTS(0) && ACTS(1)) && !(ACTS(0) && ACTS(2)) && !(ACTS(1) && ACTS(2)))
#endif

inline highest(n)
{
	d_step {
		n = LAST;
		do
		:: n > 0 && !there[n] -> n--
		:: else -> break
		od
	}
}

proctype taker(byte me)
{
	byte seen, since, asked, n, h, sent;	/* zero where they say nothing: fewer states */

again:
	skip;
	d_step { n = 0; h = 0; sent = 0; asked = now }
	highest(n);			/* the request */
	if
	:: n == 0 -> skip
	:: n > 0 && n == seen && asked >= since && asked - since >= TERM -> skip
	:: n > 0 && n == seen && !(asked >= since && asked - since >= TERM) -> goto again
	:: n > 0 && n != seen ->
		seen = n;
#ifdef BUG_SINCE			/* from the question on, not from the answer */
		since = asked;
#else
		since = now;
#endif
		goto again
	fi;
put:
	skip;
	if
	:: n == LAST -> goto dead
	:: else
	fi;
	d_step { sent = now; asked = 0; seen = 0; since = 0; h = 0 }
	atomic {			/* the request */
		if
		:: there[n + 1] -> holds[me] = false; goto again
		:: else -> there[n + 1] = true
		fi
	}
	n++;
#ifndef BUG_NOLOOK			/* what was put counts */
	highest(h);			/* the request */
	if
	:: h != n -> there[n] = false; holds[me] = false; goto again
	:: else
	fi;
#endif
	atomic {
		holds[me] = true;
#ifdef BUG_SENT				/* from the answer on, not from the sending */
		until[me] = now + TERM;
#else
		until[me] = sent + TERM;
#endif
		L
	}
	d_step {			/* older records go */
		h = 1;
		do
		:: h < n -> there[h] = false; h++
		:: else -> break
		od
	}
	if
	:: now < until[me] -> goto put	/* renew */
	:: goto dead			/* or do not, and act until it is over */
#ifdef BUG_DELETE			/* let go by deleting the record */
	:: atomic { holds[me] = false; there[n] = false }; goto again
#endif
	fi;
dead:
	skip
}

proctype passing()
{
	do
	:: now < END -> atomic { now++; L }
	:: else -> break
	od
}

init {
	byte i;

	atomic {
		do
		:: i < TAKERS -> run taker(i); i++
		:: else -> break
		od;
		run passing()
	}
}
