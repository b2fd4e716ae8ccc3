/* Words with a shell's quoting: quoted again they are the same words, and any text quoted is one word. */
#include "fuzz.h"

#include "config/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text cleanup_free = input_string(data, size);
    cleanup_strings struct strings words = {0}, again = {0}, whole = {0};
    cleanup_text struct text line = {0}, quoted = {0};

    if (words_split(&words, text)) {
        for (size_t i = 0; i < words.count; i++) {
            words_quote(&line, words.items[i]);
            text_add(&line, i % 2 ? "\t\n" : " ");
        }
        CHECK(words_split(&again, text_get(&line)));
        check_same(&words, &again);
    } else {
        CHECK(words.count == 0);
    }

    words_quote(&quoted, text);
    CHECK(words_split(&whole, text_get(&quoted)));
    CHECK(whole.count == 1);
    check_equal(whole.items[0], text);
    return 0;
}
