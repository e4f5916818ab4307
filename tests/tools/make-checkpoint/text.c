#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"

#define TOKENIZER_MAX_BYTES (4u << 20)
#define TOKENIZER_MIN_BYTES (16u << 10)

/* A word of one to four syllables; the same for the same i. */
static void
word(char *out, uint64_t seed, uint64_t i)
{
	static const char *const syllables[] = {"an", "be", "con", "de", "er", "for", "ing", "is",
	    "ka", "le", "men", "no", "or", "pre", "qu", "re", "st", "tion", "un", "ver", "wa", "ou",
	    "ly", "al", "ed", "ti", "es", "ro", "ma", "si", "pu", "da"};
	uint64_t x = random_at(seed, i);
	unsigned n = 1 + (unsigned)(x & 3);

	*out = '\0';
	for (x >>= 2; n != 0; n--, x >>= 5)
		strcat(out, syllables[x & 31]);
}

static void
write_tokenizer(const char *dir, const struct recipe *r, const struct layout *l)
{
	uint64_t size = r->size_bytes / 128, i;
	struct bytes b = {0};
	char a[32], c[32];

	size = size > TOKENIZER_MAX_BYTES ? TOKENIZER_MAX_BYTES : size;
	size = size < TOKENIZER_MIN_BYTES ? TOKENIZER_MIN_BYTES : size;
	put_text(&b, "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"model\": {\n"
	    "    \"type\": \"BPE\",\n    \"vocab\": {\n");
	for (i = 0; i < l->vocab && b.n < size / 2; i++) {
		word(a, r->seed, i);
		put_text(&b, "      \"%s%" PRIx64 "\": %" PRIu64 ",\n", a, i, i);
	}
	put_text(&b, "      \"<pad>\": %" PRIu64 "\n    },\n    \"merges\": [\n", i);
	for (i = 0; b.n < size; i++) {
		word(a, r->seed + 1, i);
		word(c, r->seed + 2, i);
		put_text(&b, "      \"%s %s\",\n", a, c);
	}
	put_text(&b, "      \"<un k>\"\n    ]\n  }\n}\n");
	out_file(dir, "tokenizer.json", &b);
	free(b.at);
}

static void
write_config(const char *dir, const struct recipe *r, const struct layout *l)
{
	static const char *const types[] = {"bfloat16", "float16", "float32", "float8_e4m3fn"};
	struct bytes b = {0};

	put_text(&b, "{\n  \"architectures\": [\"LlamaForCausalLM\"],\n"
	    "  \"model_type\": \"llama\",\n  \"hidden_act\": \"silu\",\n"
	    "  \"hidden_size\": %" PRIu64 ",\n  \"intermediate_size\": %" PRIu64 ",\n"
	    "  \"num_hidden_layers\": %" PRIu64 ",\n  \"vocab_size\": %" PRIu64 ",\n"
	    "  \"num_attention_heads\": %" PRIu64 ",\n  \"num_key_value_heads\": %" PRIu64 ",\n"
	    "  \"rms_norm_eps\": 1e-05,\n  \"torch_dtype\": \"%s\"\n}\n", l->hidden, l->ffn,
	    l->layers, l->vocab, l->hidden / 16, l->hidden / 64, types[r->dtype]);
	out_file(dir, "config.json", &b);
	b.n = 0;
	put_text(&b, "{\n  \"bos_token_id\": 1,\n  \"eos_token_id\": 2,\n"
	    "  \"do_sample\": true,\n  \"temperature\": 0.6,\n  \"top_p\": 0.9\n}\n");
	out_file(dir, "generation_config.json", &b);
	free(b.at);
}

/* Holds the recipe, for --next. */
static void
write_trainer_state(const char *dir, const struct recipe *r)
{
	struct bytes b = {0};
	char recipe[4096], line[4200];
	unsigned i;

	recipe_format(r, recipe, sizeof recipe);
	put_text(&b, "{\n  \"global_step\": %u,\n", 1000 * (r->n_steps + 1));
	snprintf(line, sizeof line, "  \"recipe\": \"%s\",\n", recipe);
	put(&b, line, strlen(line));
	put_text(&b, "  \"log_history\": [\n");
	for (i = 0; i < 20; i++)
		put_text(&b, "    {\"step\": %u, \"loss\": %.4f, \"learning_rate\": 0.0003},\n",
		    1000 * r->n_steps + 50 * i,
		    2.5 / (1 + r->n_steps) + (double)(random_at(r->seed, i) % 1000) / 1e4);
	put_text(&b, "    {\"step\": %u, \"loss\": %.4f}\n  ]\n}\n", 1000 * (r->n_steps + 1),
	    2.4 / (1 + r->n_steps));
	out_file(dir, "trainer_state.json", &b);
	free(b.at);
}

void
text_write(const char *dir, const struct recipe *r, const struct layout *l)
{
	write_config(dir, r, l);
	write_tokenizer(dir, r, l);
	write_trainer_state(dir, r);
}
