//! The sentences of the contracts of `Runner` and `Running`, word for word. A test holds them against the documentation
//! of the traits.

macro_rules! sentences {
    ($($name:ident: $text:expr;)*) => {
        $(pub(super) const $name: &str = $text;)*
        pub(super) const ALL: &[&str] = &[$($name),*];
    };
}

sentences! {
    CAN_START: "`can_start` refuses no command that can be started.";
    STARTS: "`start` returns when the attempt runs, or with an error when nothing runs and no event was told: the same \
             attempt can then be started again.";
    SPAWNED_FIRST: "The first event of an attempt that is a process says which one it is.";
    CWD: "The process starts in the attempt's `cwd`.";
    STDIN_ENDS: "Its standard input ends: it is the prompt, of any length, or empty where the prompt is an argument.";
    STDIN_UNREAD: "A process that does not read its standard input is not held up, and nothing else is.";
    ENVIRONMENT: "Of the engine's environment the process gets what `pass_env` names, and beyond that only what the \
                  executor documents; what `env` sets is there.";
    BOUNDED: "Memory use does not grow with what the process prints: the log keeps the beginning and the end up to its \
              limit, a line is cut at its limit, and all bytes are counted. No line is left out as long as the \
              log holds all that is printed.";
    RAW_BYTES: "Bytes that are no text reach the agent's reader as they are.";
    SIDE_BY_SIDE: "Attempts that run side by side do not disturb each other.";
    EXIT_STATUS: "With the capability `exit_status` the receipt holds the process's own exit code, or the signal that \
                  ended it.";
    WALL: "With the capability `limits` an attempt is stopped when its wall-clock limit has passed, and that is its end.";
    SILENCE: "With the capability `limits` an attempt that shows no sign of life is first told to be silent, and stopped \
              at its silence limit; that is its end.";
    NOT_FOUND: "`reattach` gives `None` where the attempt cannot be found again; it never starts anything.";
    REATTACH: "With the capability `reattach` an attempt that runs is found, by another executor too, and goes on \
               undisturbed; it can then be waited for and stopped as if it had been started there.";
    REATTACH_ENDED: "With the capability `reattach` an attempt that has ended is found with its end, for as long as its \
                     folder is there.";
    START_DROPPED: "Dropping the future of `start`, wherever it waits, leaves no process behind.";
    WAIT: "`wait` may be dropped and called again, and nothing is lost by it; after the end it gives the same outcome each \
           time.";
    CLAIM: "The end is the agent's claim and the runner's facts: no gate has been asked, and the proposal and the commit \
            are left for the engine to read.";
    STOPS: "After `stop`, `wait` ends within the grace period and a moment, and the attempt was cancelled.";
    POLITE: "A polite stop lets the process end by itself for as long as the grace period, and then kills it.";
    KILL: "The kill does not wait, not for a grace period that a polite stop before it has begun either.";
    STOP_AGAIN: "`stop` may be asked twice; on an attempt that has ended it is no error, and changes nothing.";
    HELD_OPEN: "A process that is left behind and holds the output open delays the end by no more than a moment, and is \
                ended or told of as `leaky`.";
    QUIET_AFTER: "After the end no event is told.";
    NOTHING_LEFT: "When an attempt has ended, of itself or by `stop`, no process of it is left, as far as its containment \
                   reaches.";
    DROPPED: "Dropping a running attempt kills it, as far as its containment reaches.";
}
