/* One remote file that goes one way or the other, in parts. */
#include "support/file_kit.h"

char file_kit_content[FILE_KIT_BYTES + 1];

struct bytes file_kit_from(size_t offset)
{
    return bytes_of(file_kit_content + offset, FILE_KIT_BYTES - offset);
}

int file_kit_group_setup(void **state)
{
    for (int i = 0; i < FILE_KIT_BYTES; i++)
        file_kit_content[i] = (char)('a' + (i * 7 + i / 26) % 26);
    return client_rig_group_setup(state);
}

void file_kit_login(struct fake *fake)
{
    fake_login(fake, "MLST Type*;Size*;Modify*;\nMFMT\nREST STREAM");
}

void file_kit_tell(struct fake *fake, unsigned size, const char *time)
{
    fake_hear(fake, "MLST f");
    fake_say(fake, "250-here\r\n Type=file;Size=%u;Modify=%s; /f\r\n250 end", size, time);
}

int file_kit_setup(void **state)
{
    int failed = client_rig_setup(state);
    struct client_rig *rig = *state;
    tempdir_mkdir(&rig->dir, "d");
    return failed;
}
