/* Where the accounts are kept. */
#ifndef FERRY_FERRYCTL_PLACE_H
#define FERRY_FERRYCTL_PLACE_H

/* Makes the file, empty, if there is none. It belongs to the owner of its folder, whom ferryd-auth
 * runs as, also if root makes it. What cannot be made is told by whoever opens it next. */
void place_prepare(const char *path);

#endif
