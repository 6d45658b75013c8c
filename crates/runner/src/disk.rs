//! What kind of disk a folder is on.

use camino::Utf8Path;

/// File systems of another machine, by the number that the kernel gives their kind. Their locks and their shared memory
/// do not hold what a ledger needs.
const REMOTE: [(i64, &str); 13] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB 2"),
    (0x0102_1997, "9p"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x00c3_6400, "Ceph"),
    (0x7375_7245, "Coda"),
    (0x564c, "NCP"),
    (0x0bd0_0bd0, "Lustre"),
    (0x1983_0326, "BeeGFS"),
    (0x786f_4256, "a shared folder of VirtualBox"),
];

/// The network file system that a folder is on, if it is on one. A folder that is not there yet is on the disk of the next
/// one above it.
#[must_use]
pub fn network_file_system(dir: &Utf8Path) -> Option<&'static str> {
    let there = dir.ancestors().find(|dir| dir.exists())?;
    named(kind(there)?)
}

#[cfg(target_os = "linux")]
fn kind(dir: &Utf8Path) -> Option<i64> {
    let disk = nix::sys::statfs::statfs(dir.as_std_path()).ok()?;
    // The type of the number differs between machines.
    let kind = disk.filesystem_type().0 as i64;
    Some(kind)
}

#[cfg(not(target_os = "linux"))]
fn kind(_: &Utf8Path) -> Option<i64> {
    None
}

fn named(kind: i64) -> Option<&'static str> {
    // Of a number of 32 bits the sign says nothing.
    REMOTE.iter().find(|(remote, _)| *remote == kind & 0xffff_ffff).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_of_another_machine_is_known_by_its_kind() {
        assert_eq!(named(0x6969), Some("NFS"));
        assert_eq!(named(i64::from(0xff53_4d42_u32.cast_signed())), Some("CIFS"), "as a narrow number it is negative");
        assert_eq!(
            [0xef53, 0x0102_1994, 0x9123_683e, 0x794c_7630].map(named),
            [None; 4],
            "ext4, tmpfs, btrfs, overlay"
        );
        assert_eq!(network_file_system(Utf8Path::new("/proc/self/no/such/folder")), None);
    }
}
