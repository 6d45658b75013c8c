//! Calls to the kernel that no agent needs, and that would reach around a namespace: keys of the session, sockets of
//! other families such as those to a virtual machine's host, and characters put into a terminal.
//!
//! The filter is a short program of the kernel's own small machine. bubblewrap puts it into force.

#[cfg(target_arch = "x86_64")]
const CALLS: Option<Calls> = Some(Calls {
    architecture: 0xC000_003E,
    socket: 41,
    ioctl: 16,
    // add_key, request_key, keyctl, bpf, perf_event_open, userfaultfd, io_uring_setup, kexec_load, open_by_handle_at.
    refused: [248, 249, 250, 321, 298, 323, 425, 246, 304],
    // Numbers from here on are those of the x32 machine, which would pass by the list.
    foreign: Some(0x4000_0000),
});
#[cfg(target_arch = "aarch64")]
const CALLS: Option<Calls> = Some(Calls {
    architecture: 0xC000_00B7,
    socket: 198,
    ioctl: 29,
    refused: [217, 218, 219, 280, 241, 282, 425, 104, 265],
    foreign: None,
});
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const CALLS: Option<Calls> = None;

/// Whether the numbers of this machine's calls are known, and so whether there is a filter.
pub(super) const KNOWN: bool = CALLS.is_some();

/// Where the numbers of calls differ between machines.
struct Calls {
    architecture: u32,
    socket: u32,
    ioctl: u32,
    refused: [u32; 9],
    foreign: Option<u32>,
}

/// The families of sockets that stay: local, IPv4, IPv6, and netlink, by which programs list addresses.
const FAMILIES: [u32; 4] = [1, 2, 10, 16];
/// `TIOCSTI` and `TIOCLINUX`.
const TERMINAL: [u32; 2] = [0x5412, 0x541C];

const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
/// The low halves of a call's first two arguments, on machines whose low half comes first.
const FIRST: u32 = 16;
const SECOND: u32 = 24;

const LOAD: u16 = 0x20;
const IF_EQUAL: u16 = 0x15;
const IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;

const ALLOW: u32 = 0x7FFF_0000;
const ERROR: u32 = 0x0005_0000;
const EPERM: u32 = ERROR | 1;
const ENOSYS: u32 = ERROR | 38;
const EAFNOSUPPORT: u32 = ERROR | 97;

/// A step: what to do, how many steps to skip if it holds and if not, and its value.
type Step = (u16, u8, u8, u32);

/// The filter in the form in which the kernel reads it; `None` where the numbers are not known.
pub(super) fn program() -> Option<Vec<u8>> {
    let steps = steps(&CALLS?);
    let bytes = steps.iter().flat_map(|(code, yes, no, value)| {
        let [a, b] = code.to_ne_bytes();
        let [c, d, e, f] = value.to_ne_bytes();
        [a, b, *yes, *no, c, d, e, f]
    });
    Some(bytes.collect())
}

fn steps(calls: &Calls) -> Vec<Step> {
    let mut steps = vec![(LOAD, 0, 0, ARCHITECTURE)];
    // Another machine's calls have other numbers.
    steps.extend([(IF_EQUAL, 1, 0, calls.architecture), (RETURN, 0, 0, ENOSYS), (LOAD, 0, 0, NUMBER)]);
    if let Some(foreign) = calls.foreign {
        steps.extend([(IF_AT_LEAST, 0, 1, foreign), (RETURN, 0, 0, ENOSYS)]);
    }
    for call in calls.refused {
        steps.extend([(IF_EQUAL, 0, 1, call), (RETURN, 0, 0, EPERM)]);
    }
    // Each test of an argument ends in a return, so that the number need not be loaded again.
    let socket = argument(FIRST, &FAMILIES, ALLOW, EAFNOSUPPORT);
    steps.push((IF_EQUAL, 0, u8::try_from(socket.len()).unwrap_or(u8::MAX), calls.socket));
    steps.extend(socket);
    let ioctl = argument(SECOND, &TERMINAL, EPERM, ALLOW);
    steps.push((IF_EQUAL, 0, u8::try_from(ioctl.len()).unwrap_or(u8::MAX), calls.ioctl));
    steps.extend(ioctl);
    steps.push((RETURN, 0, 0, ALLOW));
    steps
}

/// Ends with `listed` if the argument is one of the values, and else with `other`.
fn argument(place: u32, values: &[u32], listed: u32, other: u32) -> Vec<Step> {
    let mut steps = vec![(LOAD, 0, 0, place)];
    for value in values {
        steps.extend([(IF_EQUAL, 0, 1, *value), (RETURN, 0, 0, listed)]);
    }
    steps.push((RETURN, 0, 0, other));
    steps
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    /// What the kernel's machine answers to a call.
    fn answer(architecture: u32, number: u32, arguments: [u32; 2]) -> u32 {
        let (mut at, mut held) = (0, 0);
        let steps = steps(&CALLS.expect("this machine has them"));
        loop {
            let (code, yes, no, value) = steps[at];
            at += 1;
            match code {
                LOAD => {
                    held = match value {
                        NUMBER => number,
                        ARCHITECTURE => architecture,
                        FIRST => arguments[0],
                        SECOND => arguments[1],
                        other => panic!("nothing at {other}"),
                    };
                }
                IF_EQUAL => at += usize::from(if held == value { yes } else { no }),
                IF_AT_LEAST => at += usize::from(if held >= value { yes } else { no }),
                RETURN => return value,
                other => panic!("no such step: {other}"),
            }
        }
    }

    #[test]
    fn what_reaches_around_a_namespace_is_refused_and_the_rest_is_not() {
        let here = 0xC000_003E;
        for (what, number, arguments, expected) in [
            ("read", 0, [0, 0], ALLOW),
            ("keyctl", 250, [0, 0], EPERM),
            ("io_uring_setup", 425, [0, 0], EPERM),
            ("a TCP socket", 41, [2, 0], ALLOW),
            ("a local socket", 41, [1, 0], ALLOW),
            ("a socket to the machine's host", 41, [40, 0], EAFNOSUPPORT),
            ("the size of the terminal", 16, [0, 0x5413], ALLOW),
            ("characters into the terminal", 16, [0, 0x5412], EPERM),
            ("execve of x32", 0x4000_0000 + 520, [0, 0], ENOSYS),
        ] {
            assert_eq!(answer(here, number, arguments), expected, "{what}");
        }
        assert_eq!(answer(0x4000_0003, 0, [0, 0]), ENOSYS, "a call of another machine");
        assert_eq!(program().unwrap().len() % 8, 0);
    }
}
