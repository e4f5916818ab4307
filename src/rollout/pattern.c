#include "src/rollout/pattern.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/rollout/pattern_int.h"

/* The character at s; bytes that are no UTF-8 stand for themselves, beyond Unicode. */
static uint32_t
character(const char *s, size_t *bytes)
{
	size_t n = mf_text_char_bytes(s);

	*bytes = n > 0 ? n : 1;
	return n > 0 ? mf_pattern_decode(s, n) : MF_PATTERN_BAD_BYTE + (unsigned char)*s;
}

static uint32_t
fold(uint32_t c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static bool
in_set(const struct mf_pattern *p, const struct mf_pattern_state *s, uint32_t c)
{
	const struct mf_pattern_range *range = p->ranges + s->first_range;
	bool found = false;
	size_t i;

	for (i = 0; i < s->n_ranges && !found; i++)
		found = c >= range[i].low && c <= range[i].high;
	if (!found && p->ignore_case) {
		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		else if (c >= 'a' && c <= 'z')
			c -= 'a' - 'A';
		for (i = 0; i < s->n_ranges && !found; i++)
			found = c >= range[i].low && c <= range[i].high;
	}
	return found != s->negated;
}

static bool
takes(const struct mf_pattern *p, const struct mf_pattern_state *s, uint32_t c)
{
	switch (s->kind) {
	case MF_PATTERN_CHAR: return s->c == c || (p->ignore_case && fold(s->c) == fold(c));
	case MF_PATTERN_DOT: return c != '\n';
	case MF_PATTERN_SET: return in_set(p, s, c);
	default: return false;
	}
}

/* The set of states that the automaton is in, each once. */
struct set {
	uint32_t *members;
	uint32_t *place; /* of each state; good if members[place[s]] == s */
	size_t n;
};

static bool
has(const struct set *set, uint32_t s)
{
	return set->place[s] < set->n && set->members[set->place[s]] == s;
}

/* Add a state and all that it reaches without a character. todo has room for all states, twice. */
static void
add(const struct mf_pattern *p, struct set *set, uint32_t start, bool at_start, bool at_end,
    uint32_t *todo)
{
	const struct mf_pattern_state *s;
	size_t n = 0;
	uint32_t i;

	todo[n++] = start;
	while (n > 0) {
		i = todo[--n];
		if (has(set, i))
			continue;
		set->place[i] = (uint32_t)set->n;
		set->members[set->n++] = i;
		s = &p->states[i];
		switch (s->kind) {
		case MF_PATTERN_SPLIT:
			todo[n++] = s->out;
			todo[n++] = s->other;
			break;
		case MF_PATTERN_JUMP: todo[n++] = s->out; break;
		case MF_PATTERN_START:
			if (at_start)
				todo[n++] = s->out;
			break;
		case MF_PATTERN_FINISH:
			if (at_end)
				todo[n++] = s->out;
			break;
		default: break;
		}
	}
}

static int
run(const struct mf_pattern *p, const char *text, struct set *now, struct set *next, uint32_t *todo)
{
	const char *at = text;
	struct set *swap;
	size_t i, bytes;
	uint32_t c;

	for (;;) {
		add(p, now, p->start, at == text, *at == '\0', todo);
		if (has(now, p->match))
			return 1;
		if (*at == '\0')
			return 0;
		c = character(at, &bytes);
		at += bytes;
		next->n = 0;
		for (i = 0; i < now->n; i++)
			if (takes(p, &p->states[now->members[i]], c))
				add(p, next, p->states[now->members[i]].out, false, *at == '\0',
				    todo);
		swap = now;
		now = next;
		next = swap;
	}
}

int
mf_pattern_matches(const struct mf_pattern *p, const char *text, struct mf_error *e)
{
	uint32_t *memory = calloc(p->n_states, 6 * sizeof *memory);
	struct set now, next;
	int rc;

	if (memory == NULL)
		return mf_error_nomem(e, "a pattern");
	now = (struct set){.members = memory, .place = memory + p->n_states};
	next = (struct set){.members = memory + 2 * p->n_states, .place = memory + 3 * p->n_states};
	rc = run(p, text, &now, &next, memory + 4 * p->n_states);
	free(memory);
	return rc;
}

size_t
mf_pattern_states(const struct mf_pattern *p)
{
	return p->n_states;
}
