/*
 * Commits of one version's shards beside each other and a prune, with no locks: step 3 of a commit
 * in modelferry-repository(5), Shards, for SPIN.
 *
 *   spin -a [-DNAME ...] commit.pml
 *   gcc -O2 -DSAFETY -DBFS -DCOLLAPSE -DNOREDUCE -o pan pan.c && ./pan
 *
 * All versions are equal, and of one name; each commit publishes one, or another if that was
 * condemned, up to TRIES.  Their numbers are the order of their random names.
 *   root, mark   m/V and v/V
 *   burned       m/V is on the list of a prune
 *   victim       what the list of a commit that forgets a version names, one more; 0: no list
 *
 * One atomic block is one request to the store.  A process that is not scheduled is asleep;
 * OR_DIE ends it where it stands: what it put stays.
 *
 * C1  once a commit said that it is done, a version has its mark and its root
 * C2  when all commits have ended and none died, there is exactly one
 *
 * Searched to the end, no error (states):
 *   2 commits, 1 try each, 1 prune      1,776,539
 *   2 commits, 2 tries, 1 prune        19,670,709
 *
 * BUG_...: a simplification that looks harmless, and breaks C1.
 */
#ifndef COMMITS
#define COMMITS 2
#endif
#ifndef TRIES
#define TRIES 2
#endif
#ifndef PRUNES
#define PRUNES 1
#endif
#define V (COMMITS * TRIES)

bool root[V], mark[V], burned[V];
byte victim[COMMITS];
bool said, died;
byte ended;
byte n, k;			/* of the check at hand; always 0 in between */

#define OR_DIE	:: atomic { died = true; goto dead }

inline count_listed()
{
	n = 0; k = 0;
	do
	:: k < V -> n = n + (root[k] && mark[k]); k++
	:: else -> break
	od
}
#define FORGET_COUNT	n = 0; k = 0
inline check_C1()
{
	count_listed();
	assert(!said || n > 0);
	FORGET_COUNT
}
/* Is version x on the list of a prune or of a forget? */
inline is_listed_by_any(x, out)
{
	out = burned[x]; k = 0;
	do
	:: k < COMMITS -> out = out || victim[k] == x + 1; k++
	:: else -> k = 0; break
	od
}

proctype commit(byte p)
{
	bool seen[V], bad[V], b;
	byte tries, me, i, stays, j;

look:
	if
	:: atomic { count_listed(); i = n; FORGET_COUNT; if :: i > 0 -> i = 0; goto settle :: else fi }
	OR_DIE
	fi;
publish:
	if
	:: tries == TRIES -> atomic { died = true; goto dead }	/* it says so, and is not done */
	:: else -> me = p * TRIES + tries; tries++
	fi;
	if :: root[me] = true OR_DIE fi;
	if :: mark[me] = true OR_DIE fi;
	if :: b = burned[me] OR_DIE fi;
	if
	:: b || !root[me] -> goto look
	:: !b && root[me]
	OR_DIE
	fi;
settle:
	if
	:: atomic { i = 0; do :: i < V -> seen[i] = mark[i]; i++ :: else -> i = 0; break od }
	OR_DIE
	fi;
	if
	:: atomic { i = 0; do :: i < V -> is_listed_by_any(i, bad[i]); i++ :: else -> i = 0; break od }
	OR_DIE
	fi;
	if
	:: atomic { i = 0; do :: i < V -> seen[i] = seen[i] && root[i]; i++ :: else -> i = 0; break od }
	OR_DIE
	fi;
	atomic {
		stays = 0;
		do
		:: stays < V && !(seen[stays] && !bad[stays]) -> stays++
		:: else -> break
		od;
		if :: stays == V -> goto publish :: else fi;
		j = 0
	}
	do
	:: j == V -> break
	:: j < V && (!seen[j] || j == stays) -> j++
	:: j < V && seen[j] && j != stays ->
#ifdef BUG_LOOKFIRST		/* what stays is looked at before the list is put */
		if :: atomic { is_listed_by_any(stays, b); b = b || !mark[stays] || !root[stays] } OR_DIE fi;
		if :: victim[p] = j + 1 OR_DIE fi;
#else
		if :: victim[p] = j + 1 OR_DIE fi;
#ifdef BUG_NOTSURE		/* what stays was looked at once, and that is enough */
		b = false;
#else
		if :: atomic { is_listed_by_any(stays, b) } OR_DIE fi;
		if :: b = b || !mark[stays] OR_DIE fi;
		if :: b = b || !root[stays] OR_DIE fi;
#endif
#endif
		if
		:: b -> victim[p] = 0; goto look
		:: !b -> if :: atomic { mark[j] = false; check_C1() } OR_DIE fi; victim[p] = 0
		OR_DIE
		fi;
		j++
	od;
	atomic {
		said = true;
		check_C1();
		ended++;
		if
		:: ended == COMMITS && !died -> count_listed(); assert(n == 1); FORGET_COUNT
		:: else
		fi
	}
dead:	skip
}

/* The sweep of one unmarked root, as often as PRUNES. */
proctype prune()
{
	byte runs, x;
	bool spare;

	do
	:: runs == PRUNES -> break
	:: runs < PRUNES ->
		runs++;
		x = 0;
		do
		:: x < V - 1 -> x++
		:: break
		od;
		if
		:: !(root[x] && !mark[x]) -> skip
		:: root[x] && !mark[x] ->
			if :: burned[x] = true :: goto dead fi;
			if :: spare = mark[x] :: goto dead fi;
			if
			:: spare
			:: !spare -> if :: atomic { root[x] = false; check_C1() } :: goto dead fi
			fi;
			if :: burned[x] = false :: goto dead fi
		fi
	od;
dead:	skip
}

init
{
	atomic {
		byte p = 0;
		do
		:: p < COMMITS -> run commit(p); p++
		:: else -> break
		od;
		run prune()
	}
}
