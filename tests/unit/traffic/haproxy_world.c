#include "tests/unit/traffic/haproxy_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char *
haproxy_program(char out[64])
{
	static const char *const dirs[] = {"/usr/sbin", "/usr/bin", "/usr/local/sbin"};
	size_t i;

	for (i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
		(void)snprintf(out, 64, "%s/haproxy", dirs[i]);
		if (access(out, X_OK) == 0)
			return out;
	}
	return NULL;
}

static int
connect_to(const struct haproxy_world *w, const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	const int n = snprintf(a.sun_path, sizeof a.sun_path, "%s/%s", w->dir, name);

	assert_true(n > 0 && (size_t)n < sizeof a.sun_path);
	if (connect(fd, (const struct sockaddr *)&a, sizeof a) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
wait_for_socket(const struct haproxy_world *w, const char *name)
{
	const struct timespec pause = {.tv_nsec = 5000000};
	unsigned tries;
	int fd;

	for (tries = 0; tries < 4000; tries++) {
		if ((fd = connect_to(w, name)) >= 0) {
			close(fd);
			return;
		}
		(void)nanosleep(&pause, NULL);
	}
	fail_msg("%s/%s does not appear; see the log beside it", w->dir, name);
}

/* It ends with us, however we end. */
static pid_t
launch(const struct haproxy_world *w, const char *config)
{
	const pid_t parent = getpid(), pid = fork();
	int fd;

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || chdir(w->dir) != 0)
		_exit(1);
	if (w->tcp_fd > 0)
		(void)fcntl(w->tcp_fd, F_SETFD, 0);
	fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
	(void)dup2(fd, STDOUT_FILENO);
	(void)dup2(fd, STDERR_FILENO);
	(void)execl(w->program, w->program, "-db", "-f", config, (char *)NULL);
	_exit(1);
}

static void
finish(pid_t *pid)
{
	if (*pid <= 0)
		return;
	(void)kill(*pid, SIGKILL);
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	*pid = 0;
}

static FILE *
new_config(const struct haproxy_world *w, const char *name)
{
	char path[SCRATCH_PATH + 40];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", w->dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	return f;
}

static const char *
name_of(const struct haproxy_world *w, unsigned i, char out[16])
{
	const bool canary = i >= w->n_primary;

	(void)snprintf(out, 16, "%c%u", canary ? 'c' : 'p', canary ? i - w->n_primary + 1 : i + 1);
	return out;
}

static void
configure_servers(const struct haproxy_world *w)
{
	FILE *f = new_config(w, "down.map");
	char name[16];
	unsigned i;

	fclose(f);
	f = new_config(w, "servers.cfg");

	fputs("global\n stats socket unix@servers.sock mode 600 level admin\n nbthread 1\n"
	      "defaults\n mode http\n timeout client 60s\n timeout http-keep-alive 60s\n",
	    f);
	for (i = 0; i < w->n_primary + w->n_canary; i++) {
		name_of(w, i, name);
		fprintf(f,
		    "frontend %s\n bind unix@%s.sock\n http-request return status 503 if "
		    "{ path /health } { str(%s),map(down.map) -m found }\n"
		    " http-request return status 200 hdr x-server %s\n",
		    name, name, name, name);
	}
	fclose(f);
}

static void
configure_proxy(const struct haproxy_world *w, unsigned i)
{
	char file[32], name[16];
	unsigned s;
	FILE *f;

	(void)snprintf(file, sizeof file, "proxy%u.cfg", i);
	f = new_config(w, file);
	fprintf(f,
	    "global\n stats socket unix@api%u.sock mode 600 level admin\n"
	    " stats socket unix@view%u.sock mode 600 level operator\n nbthread 1\n%s",
	    i, i, w->global != NULL ? w->global : "");
	if (i == 0 && w->tcp_fd > 0)
		fprintf(f, " stats socket fd@%d level admin\n", w->tcp_fd);
	fprintf(f,
	    "defaults\n mode http\n timeout connect 2s\n timeout client 60s\n"
	    " timeout server 60s\n%s",
	    w->defaults != NULL ? w->defaults : "");
	fprintf(f, "frontend in\n bind unix@in%u.sock\n default_backend llm\nbackend llm\n%s", i,
	    w->backend != NULL ? w->backend : "");
	for (s = 0; s < w->n_primary + w->n_canary; s++) {
		name_of(w, s, name);
		if (s >= w->n_primary && w->canary_address != NULL)
			fprintf(f, " server %s %s", name, w->canary_address);
		else
			fprintf(f, " server %s unix@%s.sock", name, name);
		fprintf(f, " weight %u %s", s < w->n_primary ? 100 : 0,
		    w->server != NULL ? w->server : "");
		fprintf(f, w->cookies ? " cookie %s\n" : "\n", name);
	}
	fclose(f);
}

void
haproxy_world_start_proxy(struct haproxy_world *w, unsigned i)
{
	char name[32];

	(void)snprintf(name, sizeof name, "proxy%u.cfg", i);
	w->proxies[i] = launch(w, name);
	(void)snprintf(name, sizeof name, "in%u.sock", i);
	wait_for_socket(w, name);
	(void)snprintf(name, sizeof name, "api%u.sock", i);
	wait_for_socket(w, name);
}

void
haproxy_world_stop_proxy(struct haproxy_world *w, unsigned i)
{
	finish(&w->proxies[i]);
}

void
haproxy_world_start(struct haproxy_world *w)
{
	unsigned i;

	assert_non_null(haproxy_program(w->program));
	scratch_make(w->dir);
	if (w->n_proxies == 0)
		w->n_proxies = 1;
	configure_servers(w);
	w->servers = launch(w, "servers.cfg");
	wait_for_socket(w, "servers.sock");
	for (i = 0; i < w->n_proxies; i++) {
		configure_proxy(w, i);
		(void)snprintf(
		    w->sockets[i], sizeof w->sockets[i], "unix:%s/api%u.sock", w->dir, i);
		w->socket_names[i] = w->sockets[i];
		haproxy_world_start_proxy(w, i);
	}
	w->primary[0] = "llm/p*";
	w->canary[0] = "llm/c*";
	(void)snprintf(w->config_path, sizeof w->config_path, "%s/proxy0.cfg", w->dir);
	w->config[0] = w->config_path;
	w->plan = (struct mf_router_plan){.type = MF_ROUTER_HAPROXY,
	    .sockets = w->socket_names,
	    .n_sockets = w->n_proxies,
	    .primary = w->primary,
	    .n_primary = 1,
	    .canary = w->canary,
	    .n_canary = 1,
	    .config = w->config,
	    .n_config = 1};
}

void
haproxy_world_stop(struct haproxy_world *w)
{
	unsigned i;

	for (i = 0; i < w->n_proxies; i++)
		finish(&w->proxies[i]);
	finish(&w->servers);
	scratch_remove(w->dir);
}

static void
ask(const struct haproxy_world *w, const char *socket, const char *commands, char *out,
    size_t bytes)
{
	const int fd = connect_to(w, socket);
	size_t at = 0;
	ssize_t n;

	assert_true(fd >= 0);
	assert_int_equal(send(fd, commands, strlen(commands), MSG_NOSIGNAL), strlen(commands));
	assert_int_equal(send(fd, "\n", 1, MSG_NOSIGNAL), 1);
	while (at + 1 < bytes && (n = recv(fd, out + at, bytes - at - 1, 0)) > 0)
		at += (size_t)n;
	out[at] = '\0';
	close(fd);
}

void
haproxy_world_ask(
    const struct haproxy_world *w, unsigned i, const char *commands, char *out, size_t bytes)
{
	char name[32];

	(void)snprintf(name, sizeof name, "api%u.sock", i);
	ask(w, name, commands, out, bytes);
}

void
haproxy_world_server_down(const struct haproxy_world *w, const char *name, bool down)
{
	char command[64], out[256];

	(void)snprintf(command, sizeof command, "%s map down.map %s%s", down ? "add" : "del", name,
	    down ? " yes" : "");
	ask(w, "servers.sock", command, out, sizeof out);
	assert_string_equal(out, "\n");
}

void
haproxy_client_close(struct haproxy_client *c)
{
	if (c->fd > 0)
		close(c->fd);
	c->fd = 0;
}

static void
connect_client(struct haproxy_client *c)
{
	char name[32];

	if (c->fd > 0)
		return;
	(void)snprintf(name, sizeof name, "in%u.sock", c->proxy);
	c->fd = connect_to(c->w, name);
	assert_true(c->fd > 0);
}

/* The word after a header's name, or "". */
static void
header(const char *head, const char *name, char *out, size_t bytes)
{
	const char *at = strstr(head, name);
	size_t n = 0;

	if (at != NULL) {
		at += strlen(name);
		n = strcspn(at, "\r;");
	}
	(void)snprintf(out, bytes, "%.*s", (int)n, at != NULL ? at : "");
}

/* An answer without body, or with one that the connection's end closes. */
static void
read_head(struct haproxy_client *c, char *head, size_t bytes)
{
	size_t at = 0;
	ssize_t n;

	do {
		n = recv(c->fd, head + at, bytes - at - 1, 0);
		at += n > 0 ? (size_t)n : 0;
		head[at] = '\0';
	} while (n > 0 && strstr(head, "\r\n\r\n") == NULL);
	if (at == 0)
		fail_msg("a connection was closed without an answer");
	c->body_seen = strstr(head, "\r\n\r\n") != NULL
			   ? at - (size_t)(strstr(head, "\r\n\r\n") + 4 - head)
			   : 0;
}

const char *
haproxy_client_get(struct haproxy_client *c, char out[32])
{
	char text[200], head[4096], cookie[64];
	int n;

	connect_client(c);
	n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nhost: x\r\n%s%s%s\r\n",
	    c->cookie[0] != '\0' ? "cookie: SRV=" : "", c->cookie,
	    c->cookie[0] != '\0' ? "\r\n" : "");
	assert_int_equal(send(c->fd, text, (size_t)n, MSG_NOSIGNAL), n);
	read_head(c, head, sizeof head);
	header(head, "x-server: ", out, 32);
	header(head, "set-cookie: SRV=", cookie, sizeof cookie);
	if (cookie[0] != '\0')
		memcpy(c->cookie, cookie, sizeof cookie);
	if (strstr(head, "200 OK") == NULL)
		haproxy_client_close(c);
	return out;
}

double
haproxy_world_split(const struct haproxy_world *w, unsigned i, unsigned n)
{
	struct haproxy_client c = {.w = w, .proxy = i};
	unsigned k, canary = 0, answered = 0;
	char name[32];

	for (k = 0; k < n; k++) {
		haproxy_client_get(&c, name);
		answered += name[0] != '\0';
		canary += name[0] == 'c';
	}
	haproxy_client_close(&c);
	assert_int_equal(answered, n); /* no client saw a failure */
	return 100.0 * canary / n;
}
