#include "base/err.h"
#include "base/text.h"
#include "entrypoint/entrypoint.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/*
 * With a standard descriptor closed, the next file we open would take its number, and messages would go into
 * it. `mode` is how /dev/null is opened in place of standard output: for writing, so that the engine's output
 * goes nowhere, or for reading, so that output which somebody waits for fails.
 */
static int hold_standard_descriptors(int mode)
{
    const int modes[] = {O_RDONLY, mode, O_WRONLY};

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
            return EXIT_SYSTEM;
    return 0;
}

int main(int count, char **arguments)
{
    if (count < 1)
        return EXIT_SYSTEM;
    const char *slash = strrchr(arguments[0], '/');
    const char *name = slash ? slash + 1 : arguments[0];
    bool explains = str_equal(name, "dindctl");

    if (hold_standard_descriptors(explains ? O_RDONLY : O_WRONLY) != 0)
        return EXIT_SYSTEM;
    const char *const *words = (const char *const *)arguments;
    const char *const *environment = (const char *const *)environ;
    return explains ? dindctl_main(words, environment) : entrypoint_main(words, environment);
}
