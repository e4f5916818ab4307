#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"

uint64_t
tensor_elements(const struct tensor *t)
{
	return t->dims == 1 ? t->shape[0] : t->shape[0] * t->shape[1];
}

uint64_t
tensor_bytes(const struct tensor *t)
{
	uint64_t n = tensor_elements(t);

	switch (t->dtype) {
	case F32: return n * 4;
	case BF16:
	case F16: return n * 2;
	case Q8_0: return n / 32 * 34;
	case Q4_K: return n / 256 * 144;
	case Q6_K: return n / 256 * 210;
	case F8: break;
	}
	return n;
}

static struct tensor *
add(struct layout *l, enum dtype dtype, uint64_t rows, uint64_t columns, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Columns 0: a vector. */
static struct tensor *
add(struct layout *l, enum dtype dtype, uint64_t rows, uint64_t columns, const char *fmt, ...)
{
	struct tensor *t;
	va_list ap;

	if (l->n == l->room) {
		l->room = l->room == 0 ? 64 : l->room * 2;
		l->tensors = need(realloc(l->tensors, l->room * sizeof *l->tensors));
	}
	t = &l->tensors[l->n++];
	*t = (struct tensor){.dtype = dtype, .dims = columns == 0 ? 1 : 2,
	    .shape = {rows, columns}, .look = columns == 0 ? LOOK_NORM : LOOK_WEIGHT};
	va_start(ap, fmt);
	vsnprintf(t->name, sizeof t->name, fmt, ap);
	va_end(ap);
	memcpy(t->content, t->name, sizeof t->name);
	/* scales differ by a factor of four from tensor to tensor */
	t->sigma = 0.01f + 0.03f * (float)(hash_text(t->name, 7) >> 40) / (float)(1 << 24);
	return t;
}

static double
bytes_each(enum dtype d)
{
	struct tensor t = {.dtype = d, .dims = 1, .shape = {256, 0}};

	return (double)tensor_bytes(&t) / 256;
}

/* Widths of a model of about that many parameters: depth grows with width, as in the models
 * that people publish. `unit`: the width is a multiple of it. */
static void
choose_widths(struct layout *l, double parameters, uint64_t unit)
{
	uint64_t h = (uint64_t)cbrt(9.3 * parameters) / unit * unit;
	double layer, vocab;

	l->hidden = h < unit ? unit : h > 8192 ? 8192 : h;
	l->ffn = l->hidden * 11 / 4 / unit * unit;
	layer = (double)l->hidden * (2.5 * (double)l->hidden + 3.0 * (double)l->ffn + 2);
	vocab = parameters / (6.0 * (double)l->hidden);
	vocab = vocab > 32000 ? 32000 : vocab;
	l->layers = (uint64_t)((parameters - 2 * vocab * (double)l->hidden) / layer);
	vocab = (parameters - (double)l->layers * layer) / (2.0 * (double)l->hidden);
	l->vocab = vocab < 32 ? 32 : (uint64_t)vocab;
}

static void
add_layer(struct layout *l, uint64_t i, enum dtype d, enum dtype norm)
{
	uint64_t h = l->hidden, f = l->ffn;
	enum dtype d6 = d == Q4_K ? Q6_K : d;

	add(l, norm, h, 0, "model.layers.%" PRIu64 ".input_layernorm.weight", i);
	add(l, d6, h, f, "model.layers.%" PRIu64 ".mlp.down_proj.weight", i);
	add(l, d, f, h, "model.layers.%" PRIu64 ".mlp.gate_proj.weight", i);
	add(l, d, f, h, "model.layers.%" PRIu64 ".mlp.up_proj.weight", i);
	add(l, norm, h, 0, "model.layers.%" PRIu64 ".post_attention_layernorm.weight", i);
	add(l, d, h / 4, h, "model.layers.%" PRIu64 ".self_attn.k_proj.weight", i);
	add(l, d, h, h, "model.layers.%" PRIu64 ".self_attn.o_proj.weight", i);
	add(l, d, h, h, "model.layers.%" PRIu64 ".self_attn.q_proj.weight", i);
	add(l, d6, h / 4, h, "model.layers.%" PRIu64 ".self_attn.v_proj.weight", i);
}

/* Each version has one tensor more, before all others. */
static void
insert_first(struct layout *l, unsigned step, enum dtype d)
{
	struct tensor *t = add(l, d, l->hidden / 2, l->hidden, "adapter.%u.weight", step), last;

	last = *t;
	memmove(l->tensors + 1, l->tensors, (l->n - 1) * sizeof last);
	l->tensors[0] = last;
}

/* Among the tensors that `eligible` says: mark, in the order of a hash, as many as come next
 * to `target` bytes, at least one. */
static void
choose(const struct layout *l, uint64_t seed, uint64_t target, bool *eligible, bool *chosen)
{
	uint64_t sum = 0, best_hash, h;
	size_t i, best;

	for (;;) {
		best = l->n;
		best_hash = 0;
		for (i = 0; i < l->n; i++) {
			h = hash_text(l->tensors[i].name, seed);
			if (eligible[i] && (best == l->n || h < best_hash)) {
				best = i;
				best_hash = h;
			}
		}
		if (best == l->n)
			return;
		eligible[best] = false;
		h = tensor_bytes(&l->tensors[best]);
		if (sum != 0 && sum + h / 2 > target)
			continue;
		chosen[best] = true;
		sum += h;
	}
}

/* The lower tensors are frozen, in order, up to the percentage; of these some are touched. */
static void
apply_step(struct layout *l, const struct recipe *r, unsigned s)
{
	const struct step *step = &r->steps[s];
	bool *eligible = need(calloc(2 * l->n, sizeof *eligible)), *touched = eligible + l->n;
	uint64_t total = 0, frozen = 0, n;
	struct tensor *t;
	size_t i;

	for (i = 0; i < l->n; i++)
		total += tensor_bytes(&l->tensors[i]);
	for (i = 0; i < l->n; i++) {
		t = &l->tensors[i];
		n = tensor_bytes(t);
		if ((frozen + n / 2) > total / 100 * step->frozen || step->frozen == 0) {
			t->changes[s] = (struct change){0, tensor_elements(t)};
			continue;
		}
		frozen += n;
		eligible[i] = t->dims == 2;
	}
	if (step->touched != 0)
		choose(l, step->seed, frozen / 100 * step->touched, eligible, touched);
	for (i = 0; i < l->n; i++) {
		if (!touched[i])
			continue;
		t = &l->tensors[i];
		n = tensor_elements(t);
		t->changes[s].count = n / 10;
		t->changes[s].from = hash_text(t->name, step->seed + 1) % (n - n / 10);
	}
	free(eligible);
}

/* Some tensors hold the same numbers as an earlier one of the same shape. */
static void
apply_repeat(struct layout *l, const struct recipe *r)
{
	bool *eligible = need(calloc(2 * l->n, sizeof *eligible)), *chosen = eligible + l->n;
	uint64_t total = 0;
	size_t i, j;

	for (i = 0; i < l->n; i++) {
		total += tensor_bytes(&l->tensors[i]);
		for (j = 0; j < i && !eligible[i]; j++)
			eligible[i] = l->tensors[i].dims == 2 &&
			    memcmp(l->tensors[i].shape, l->tensors[j].shape, sizeof l->tensors[i].shape) == 0;
	}
	choose(l, r->seed, total / 100 * r->repeat, eligible, chosen);
	for (i = 0; i < l->n; i++)
		for (j = 0; chosen[i] && j < i; j++)
			if (memcmp(l->tensors[i].shape, l->tensors[j].shape,
			    sizeof l->tensors[i].shape) == 0 &&
			    l->tensors[i].dtype == l->tensors[j].dtype) {
				memcpy(l->tensors[i].content, l->tensors[j].content, MAX_NAME);
				l->tensors[i].sigma = l->tensors[j].sigma;
				break;
			}
	free(eligible);
}

static void
apply_history(struct layout *l, const struct recipe *r, enum dtype d)
{
	unsigned s;

	if (r->repeat != 0)
		apply_repeat(l, r);
	for (s = 0; s < r->n_steps; s++) {
		apply_step(l, r, s);
		insert_first(l, s + 1, d);
	}
}

static void
add_model(struct layout *l, enum dtype d, double parameters)
{
	enum dtype norm = d == Q4_K ? F32 : d == F8 ? BF16 : d;
	uint64_t i;

	choose_widths(l, parameters, d == Q4_K ? 256 : 64);
	add(l, d == Q4_K ? Q8_0 : d, l->vocab, l->hidden, "model.embed_tokens.weight");
	for (i = 0; i < l->layers; i++)
		add_layer(l, i, d, norm);
	add(l, norm, l->hidden, 0, "model.norm.weight");
	add(l, d == Q4_K ? Q6_K : d, l->vocab, l->hidden, "lm_head.weight");
}

void
layout_model(struct layout *l, const struct recipe *r, enum kind kind, uint64_t bytes)
{
	enum dtype d = kind == KIND_GGUF ? Q4_K : r->dtype;
	double parameters = (double)bytes / bytes_each(d);
	uint64_t sum, n;
	unsigned round;

	*l = (struct layout){0};
	add_model(l, d, parameters);
	for (round = 0; d == Q4_K && round < 3; round++) { /* it mixes types: correct the guess */
		for (sum = n = 0; n < l->n; n++)
			sum += tensor_bytes(&l->tensors[n]);
		parameters *= (double)bytes / (double)sum;
		layout_free(l);
		add_model(l, d, parameters);
	}
	apply_history(l, r, d);
}

void
layout_optimizer(struct layout *l, const struct recipe *r, uint64_t bytes)
{
	struct layout model = {0};
	struct recipe plain = *r;
	struct tensor *t;
	unsigned s;
	size_t i;

	plain.dtype = F32;
	plain.repeat = plain.n_steps = 0;
	layout_model(&model, &plain, KIND_PYTORCH, bytes / 2);
	*l = (struct layout){.hidden = model.hidden, .vocab = model.vocab, .layers = model.layers,
	    .ffn = model.ffn};
	for (i = 0; i < 2 * model.n; i++) {
		t = &model.tensors[i / 2];
		t = add(l, F32, t->shape[0], t->shape[1], "state.%zu.%s", i / 2,
		    i % 2 == 0 ? "exp_avg" : "exp_avg_sq");
		t->look = i % 2 == 0 ? LOOK_MOMENT : LOOK_VARIANCE;
		/* an optimizer's state is new in every version */
		for (s = 0; s < r->n_steps; s++)
			t->changes[s].count = tensor_elements(t);
	}
	layout_free(&model);
}

void
layout_free(struct layout *l)
{
	free(l->tensors);
	*l = (struct layout){0};
}
