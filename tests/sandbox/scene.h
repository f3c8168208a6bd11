/* What the driver of the sandbox tests and the program that it tries agree on. */
#ifndef FERRY_TESTS_SANDBOX_SCENE_H
#define FERRY_TESTS_SANDBOX_SCENE_H

/* The program's arguments: role, deed, folder, known port, unknown port. In the folder there are
 * own/f and other/f; both ports are listened on; the known one is free again on 127.0.0.2. */
enum { ARG_ROLE = 1, ARG_DEED, ARG_FOLDER, ARG_KNOWN_PORT, ARG_UNKNOWN_PORT, ARG_COUNT };

/* Its descriptors: a channel with one message in it, "hello" with a descriptor; a listener with one
 * client waiting, who has sent "hi". */
enum { SCENE_CHANNEL = 3, SCENE_LISTENER, SCENE_FDS };

/* How it ends: the deed was done; it was refused; anything else, told on standard error. As the
 * deed "report" it ends with SCENE_ABI + the version of Landlock. */
enum { SCENE_DONE = 0, SCENE_REFUSED = 10, SCENE_BROKEN = 11, SCENE_ABI = 100 };

#define SCENE_TEXT "text"

#endif
