//! Why a rung is not there, and what helps: settings by their names.

use super::bubblewrap::OLDEST;

/// What the system says of namespaces. `None` where it has no such setting.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    /// `kernel.unprivileged_userns_clone`, of Debian.
    pub(super) userns_clone: Option<u64>,
    /// `kernel.apparmor_restrict_unprivileged_userns`, of Ubuntu.
    pub(super) apparmor: Option<u64>,
    /// `user.max_user_namespaces`.
    pub(super) most: Option<u64>,
}

impl Settings {
    pub(super) fn read() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse().ok();
        Self {
            userns_clone: read("/proc/sys/kernel/unprivileged_userns_clone"),
            apparmor: read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
            most: read("/proc/sys/user/max_user_namespaces"),
        }
    }
}

pub(super) const INSTALL: &str =
    "install bubblewrap 0.8.0 or newer: `apt install bubblewrap`, `dnf install bubblewrap`";

/// What helps where bubblewrap works and the filter of calls is not known.
pub(super) const FILTER: &str = "the filter is there on x86_64 and aarch64; without it the keys of the session and sockets of other families, \
     as those to a virtual machine's host, are not refused";

/// What helps where bubblewrap is there and does not work, by what it said.
pub(super) fn bubblewrap(said: &str, settings: &Settings) -> String {
    if said.contains("nknown option") || said.contains("nrecognized option") {
        return format!("it is older than {OLDEST}; {INSTALL}");
    }
    if settings.userns_clone == Some(0) {
        return "allow user namespaces: `sysctl -w kernel.unprivileged_userns_clone=1`".into();
    }
    if settings.most == Some(0) {
        return "allow user namespaces: `sysctl -w user.max_user_namespaces=10000`".into();
    }
    if settings.apparmor == Some(1) {
        return "let AppArmor allow it user namespaces: a profile for bwrap with the line `userns,`, or `sysctl -w \
                kernel.apparmor_restrict_unprivileged_userns=0`"
            .into();
    }
    if said.contains("proc") {
        return "this is a container that hides parts of /proc; start it with `--security-opt systempaths=unconfined`"
            .into();
    }
    "user namespaces are refused, as in most containers; start the container with `--security-opt seccomp=unconfined`, \
     or run on the host"
        .into()
}

pub(super) const LANDLOCK: &str = "Linux 6.12 or newer with Landlock in its list of security modules (`lsm=landlock,...` on the kernel's command \
     line), or bubblewrap";

/// What helps where no control group can be made.
pub(super) const CGROUP: &str = "start it in a group of its own: `systemd-run --user --scope -p Delegate=yes dayfly run`, or `Delegate=yes` in \
     its service";

/// What helps where leaves can be made and their limits not held.
pub(super) const CONTROLLERS: &str =
    "for limits of memory and processes: a service with `Delegate=yes` and `DelegateSubgroup=dayfly`";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_the_remedy_that_removes_it() {
        let none = Settings::default();
        for (said, settings, expected) in [
            ("bwrap: Unknown option --disable-userns", none.clone(), "older than 0.8.0"),
            (
                "bwrap: No permissions to create new namespace",
                Settings { userns_clone: Some(0), ..none.clone() },
                "unprivileged_userns_clone=1",
            ),
            ("bwrap: Creating new namespace failed", Settings { most: Some(0), ..none.clone() }, "max_user_namespaces"),
            (
                "bwrap: setting up uid map: Permission denied",
                Settings { apparmor: Some(1), ..none.clone() },
                "AppArmor",
            ),
            ("bwrap: Can't mount proc on /newroot/proc", none.clone(), "systempaths=unconfined"),
            ("bwrap: Creating new namespace failed: EPERM", none, "seccomp=unconfined"),
        ] {
            let remedy = bubblewrap(said, &settings);
            assert!(remedy.contains(expected), "{said}: {remedy}");
        }
    }
}
