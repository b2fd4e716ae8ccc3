#include "base/err.h"
#include "base/text.h"
#include "entrypoint/entrypoint.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

/* With a standard descriptor closed, the next file we open would take its number, and messages would go into
 * it. */
static int hold_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) != fd)
            return EXIT_SYSTEM;
    return 0;
}

int main(int count, char **arguments)
{
    int status = hold_standard_descriptors();

    if (status != 0 || count < 1)
        return EXIT_SYSTEM;
    const char *slash = strrchr(arguments[0], '/');
    const char *name = slash ? slash + 1 : arguments[0];
    const char *const *words = (const char *const *)arguments;
    const char *const *environment = (const char *const *)environ;
    return str_equal(name, "dindctl") ? dindctl_main(words, environment)
                                      : entrypoint_main(words, environment);
}
