#include "host_idmap.h"

#include "base/file.h"

#include <linux/capability.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

/* Layout: linux/capability.h, struct vfs_cap_data and vfs_ns_cap_data. All words are little-endian. */
enum {
    WORD = 4,
    FIRST_PERMITTED = 1 * WORD, /* then 32 bits inheritable, then the upper halves of both */
    SECOND_PERMITTED = 3 * WORD,
    ROOT_ID = 5 * WORD,
};

static uint32_t word_at(const unsigned char *value, size_t offset)
{
    return (uint32_t)value[offset] | (uint32_t)value[offset + 1] << 8 | (uint32_t)value[offset + 2] << 16 |
           (uint32_t)value[offset + 3] << 24;
}

bool host_file_capability(const unsigned char *value, size_t size, unsigned capability)
{
    if (size < WORD || capability >= 64)
        return false;
    uint32_t magic = word_at(value, 0);
    uint32_t revision = magic & VFS_CAP_REVISION_MASK;
    bool ours = (revision == VFS_CAP_REVISION_2 && size == XATTR_CAPS_SZ_2) ||
                (revision == VFS_CAP_REVISION_3 && size == XATTR_CAPS_SZ_3 && word_at(value, ROOT_ID) == 0);

    if (!ours || !(magic & VFS_CAP_FLAGS_EFFECTIVE))
        return false;
    uint64_t permitted = word_at(value, FIRST_PERMITTED) | (uint64_t)word_at(value, SECOND_PERMITTED) << 32;
    return permitted >> capability & 1;
}

void host_idmap_look(struct host_idmap *idmap, const char *program, unsigned capability, const char *search)
{
    unsigned char value[XATTR_CAPS_SZ_3];
    struct stat st;
    struct statvfs fs;

    *idmap = (struct host_idmap){.path = file_find_program(program, search)};
    if (!idmap->path)
        return;
    idmap->setuid = stat(idmap->path, &st) == 0 && st.st_uid == 0 && (st.st_mode & S_ISUID);
    ssize_t size = getxattr(idmap->path, "security.capability", value, sizeof(value));
    idmap->file_capability = size > 0 && host_file_capability(value, (size_t)size, capability);
    idmap->nosuid = statvfs(idmap->path, &fs) == 0 && (fs.f_flag & ST_NOSUID);
}

void host_idmap_free(struct host_idmap *idmap)
{
    free(idmap->path);
    *idmap = (struct host_idmap){0};
}
