#include "tests/unit/traffic/fake_haproxy.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define STATE_HEAD                                                                              \
	"1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight " \
	"srv_iweight srv_time_since_last_change\n"
#define STAT_HEAD "# pxname,svname,qcur,scur,status,weight,act,bck,agent_status,cookie,algo,\n"

static void
say(int fd, const char *text)
{
	(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static void
say_state(struct fake_haproxy *f, int fd)
{
	char line[300];
	size_t i;

	say(fd, STATE_HEAD);
	for (i = 0; i < FAKE_SERVERS; i++) {
		const struct fake_server *s = &f->servers[i];

		(void)snprintf(line, sizeof line, "3 llm %zu %s 127.0.0.1 %d %d %u %u 10\n", i + 1,
		    s->name, s->op, s->admin, s->weight, s->configured);
		say(fd, line);
	}
	say(fd, "\n");
}

static void
say_stat(struct fake_haproxy *f, int fd)
{
	char line[300];
	size_t i;

	say(fd, STAT_HEAD);
	for (i = 0; i < FAKE_SERVERS; i++) {
		(void)snprintf(line, sizeof line, "llm,%s,0,%u,UP,%u,1,0,,,,\n", f->servers[i].name,
		    f->servers[i].sessions, f->servers[i].weight);
		say(fd, line);
	}
	say(fd, "llm,BACKEND,0,0,UP,3,3,0,,,roundrobin,\n\n");
}

/* false: there is no such server. */
static bool
set(struct fake_haproxy *f, const char *command)
{
	char name[32] = "", word[32] = "", value[32] = "";
	size_t i;

	f->n_sets++;
	if (f->mode == FAKE_FORGETS ||
	    sscanf(command, "set server llm/%31s %31s %31s", name, word, value) != 3)
		return true;
	for (i = 0; i < FAKE_SERVERS; i++) {
		struct fake_server *s = &f->servers[i];

		if (strcmp(s->name, name) != 0)
			continue;
		if (strcmp(word, "weight") == 0)
			s->weight = (unsigned)strtoul(value, NULL, 10);
		else if (strcmp(value, "maint") == 0)
			s->admin |= 1;
		else if (strcmp(value, "ready") == 0)
			s->admin &= ~1;
		if (f->mode == FAKE_LOSES && i == FAKE_SERVERS - 1 && s->weight > 0)
			s->op = 0;
		return true;
	}
	return false;
}

static void
shut_down(struct fake_haproxy *f, const char *command)
{
	size_t i;

	for (i = 0; i < FAKE_SERVERS; i++)
		if (strstr(command, f->servers[i].name) != NULL)
			f->servers[i].sessions = 0;
}

/* false: the connection stays open, and silent. */
static bool
answer(struct fake_haproxy *f, int fd, char *line)
{
	const bool sets = strstr(line, "set server") != NULL;
	char *command, *rest = NULL;

	if (f->mode == FAKE_HANGS)
		return false;
	if (f->mode == FAKE_CLOSES_SET && sets)
		return true;
	if (f->mode == FAKE_SAYS) {
		(void)send(fd, f->say, f->say_bytes, MSG_NOSIGNAL);
		return true;
	}
	for (command = strtok_r(line, ";\n", &rest); command != NULL;
	     command = strtok_r(NULL, ";\n", &rest)) {
		if (strncmp(command, "show servers state", 18) == 0)
			say_state(f, fd);
		else if (strncmp(command, "show stat", 9) == 0)
			say_stat(f, fd);
		else if (strcmp(command, "show cli level") == 0)
			say(fd, "admin\n\n");
		else if (strcmp(command, "show table") == 0)
			say(fd, "\n");
		else if (f->mode == FAKE_REFUSES)
			say(fd, "Permission denied\n\n");
		else {
			bool known = true;

			if (strncmp(command, "shutdown", 8) == 0)
				shut_down(f, command);
			else
				known = set(f, command);
			say(fd, known ? "\n" : "No such server.\n\n");
		}
	}
	return f->mode != FAKE_HANGS_SET || !sets;
}

/* Until the other side has had enough. */
static void
talk_on(int fd)
{
	static const char words[4096] = "# pxname,svname,scur";

	while (send(fd, words, sizeof words, MSG_NOSIGNAL) > 0)
		continue;
}

static void
serve(struct fake_haproxy *f, int fd)
{
	char line[20000];
	size_t at = 0;
	ssize_t n = 1;
	bool endless, done;

	while (n > 0 && at + 1 < sizeof line && (at == 0 || line[at - 1] != '\n')) {
		n = recv(fd, line + at, sizeof line - at - 1, 0);
		at += n > 0 ? (size_t)n : 0;
	}
	line[at] = '\0';
	pthread_mutex_lock(&f->lock);
	f->n_connections++;
	endless = f->mode == FAKE_ENDLESS;
	done = endless || answer(f, fd, line);
	if (!done && f->n_held < FAKE_HELD)
		f->held[f->n_held++] = fd;
	pthread_mutex_unlock(&f->lock);
	if (endless)
		talk_on(fd);
	if (done)
		close(fd);
}

static void *
run(void *arg)
{
	struct fake_haproxy *f = arg;
	struct pollfd x = {.fd = f->fd, .events = POLLIN};
	bool stop = false;
	int fd;

	while (!stop) {
		if (poll(&x, 1, 20) > 0 && (fd = accept(f->fd, NULL, NULL)) >= 0)
			serve(f, fd);
		pthread_mutex_lock(&f->lock);
		stop = f->stopping;
		pthread_mutex_unlock(&f->lock);
	}
	return NULL;
}

void
fake_haproxy_start(struct fake_haproxy *f, const char *dir, const char *name)
{
	static const struct fake_server servers[FAKE_SERVERS] = {
	    {.name = "p1", .op = 2, .weight = 100, .configured = 100},
	    {.name = "p2", .op = 2, .weight = 100, .configured = 100}, {.name = "c1", .op = 2}};
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	*f = (struct fake_haproxy){.lock = PTHREAD_MUTEX_INITIALIZER};
	memcpy(f->servers, servers, sizeof servers);
	(void)snprintf(f->path, sizeof f->path, "%.90s/%.10s", dir, name);
	(void)snprintf(f->name, sizeof f->name, "unix:%s", f->path);
	memcpy(a.sun_path, f->path, strlen(f->path) + 1);
	f->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(f->fd, (const struct sockaddr *)&a, sizeof a) != 0 || listen(f->fd, 16) != 0 ||
	    pthread_create(&f->thread, NULL, run, f) != 0)
		abort();
}

void
fake_haproxy_stop(struct fake_haproxy *f)
{
	unsigned i;

	pthread_mutex_lock(&f->lock);
	f->stopping = true;
	pthread_mutex_unlock(&f->lock);
	(void)pthread_join(f->thread, NULL);
	for (i = 0; i < f->n_held; i++)
		close(f->held[i]);
	close(f->fd);
	(void)unlink(f->path);
}

void
fake_haproxy_mode(struct fake_haproxy *f, enum fake_mode mode)
{
	pthread_mutex_lock(&f->lock);
	f->mode = mode;
	pthread_mutex_unlock(&f->lock);
}

double
fake_haproxy_share(struct fake_haproxy *f)
{
	unsigned canary, sum;

	pthread_mutex_lock(&f->lock);
	canary = f->servers[2].weight;
	sum = canary + f->servers[0].weight + f->servers[1].weight;
	pthread_mutex_unlock(&f->lock);
	return sum > 0 ? 100.0 * canary / sum : 0;
}
