/* Patterns of names. */
#include "store/match.h"

#include <stddef.h>

/* Where a star fails to reach, only the last one need be tried with one byte more. */
bool match_name(struct bytes pattern, struct bytes name)
{
    size_t p = 0, n = 0;
    bool starred = false;
    size_t star = 0, taken = 0; /* behind the last star, and the bytes of `name` up to its end */
    while (n < name.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            starred = true;
            star = ++p;
            taken = n;
        } else if (p < pattern.len && (pattern.ptr[p] == '?' || pattern.ptr[p] == name.ptr[n])) {
            p++;
            n++;
        } else if (starred) {
            p = star;
            n = ++taken;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

bool match_any(struct bytes patterns, struct bytes name)
{
    while (patterns.len > 0) {
        if (match_name(bytes_cut(&patterns, '/'), name))
            return true;
    }
    return false;
}
