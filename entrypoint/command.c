#include "command.h"

enum command_kind command_kind_of(const char *const *arguments)
{
    if (!arguments[0] || arguments[0][0] == '-')
        return COMMAND_ENGINE;
    return str_equal(arguments[0], "dockerd") ? COMMAND_EXPLICIT : COMMAND_CLIENT;
}

void command_read(struct command *command, const char *const *arguments, const struct strings *extra)
{
    cleanup_strings struct strings all = {0};

    *command = (struct command){.kind = command_kind_of(arguments)};
    strings_add_array(&command->arguments, command->kind == COMMAND_EXPLICIT ? arguments + 1 : arguments);
    if (command->kind == COMMAND_CLIENT)
        return;
    strings_add_all(&all, extra);
    strings_add_all(&all, &command->arguments);
    dockerd_flags_parse(&command->flags, &all);
}

void command_free(struct command *command)
{
    strings_free(&command->arguments);
    dockerd_flags_free(&command->flags);
    *command = (struct command){0};
}
