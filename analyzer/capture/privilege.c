/* Giving up root once the interface is open: an unprivileged user that may still open raw sockets, nothing else. */
#include "privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Keeps CAP_NET_RAW alone, so that an interface that vanished can be opened again. The system call itself: libcap would add a dependency for one
 * call. Failing leaves no capability, which costs just that. */
static void keep_raw_sockets(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	data[0].permitted = data[0].effective = 1u << CAP_NET_RAW;
	if (syscall(SYS_capset, &header, data) != 0) {
		memset(data, 0, sizeof data);
		syscall(SYS_capset, &header, data);
	}
}

static const struct passwd *find_user(const char *user, struct error *error)
{
	const struct passwd *entry = getpwnam(user ? user : "nobody");

	if (!entry)
		error_set(error, "no user \"%s\" to run as after opening the interface; name another with --run-as, or make it: useradd -r %s",
			  user ? user : "nobody", user ? user : "nobody");
	return entry;
}

bool privilege_share(int descriptor, const char *user, struct error *error)
{
	struct stat about;
	const struct passwd *entry;

	if (geteuid() != 0 || descriptor < 0 || fstat(descriptor, &about) != 0 || !S_ISREG(about.st_mode))
		return true;
	entry = find_user(user, error);
	if (entry && about.st_uid == 0 && entry->pw_uid != 0 && fchown(descriptor, entry->pw_uid, entry->pw_gid) != 0)
		return error_set(error, "the output can't be given to user \"%s\": %s", entry->pw_name, strerror(errno));
	return entry != NULL;
}

bool privilege_drop(const char *user, struct error *error)
{
	const struct passwd *entry;

	if (geteuid() != 0)
		return true;
	entry = find_user(user, error);
	if (!entry)
		return false;
	if (entry->pw_uid == 0)
		return true;
	prctl(PR_SET_KEEPCAPS, 1);
	if (setgroups(0, NULL) != 0 || setgid(entry->pw_gid) != 0 || setuid(entry->pw_uid) != 0)
		return error_set(error, "can't become user \"%s\": %s", entry->pw_name, strerror(errno));
	keep_raw_sockets();
	prctl(PR_SET_KEEPCAPS, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (setuid(0) == 0)
		return error_set(error, "user \"%s\" could become root again; not going on", entry->pw_name);
	return true;
}
