/* Whether this is a build with the address sanitizer, which needs system calls and address space of
 * its own. */
#ifndef FERRY_PROC_SANITIZED_H
#define FERRY_PROC_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
