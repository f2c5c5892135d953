//! The stages and the clocks they are measured with.

use std::fmt;

/// Which clocks the two ends of a stage were read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Clock {
    /// Both ends on the monotonic clock of this machine: exact to the nanosecond, never negative.
    Machine,
    /// Wall clocks of two machines, or the vendor's time stamps in milliseconds: may be negative.
    Wall,
}

/// A part of the way from a post to the consumer of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Raw frame to event.
    Decode,
    /// Event to joined view.
    Merge,
    /// View to decision.
    Signal,
    /// From the decision to the decision queue.
    Queue,
    /// From the socket read to the decision queue: "decode to signal".
    Total,
    /// From the decision queue to the consumer.
    Taken,
    /// From its creation to its receipt by the vendor.
    CreatedReceived,
    /// From its receipt by the vendor to its sending.
    ReceivedSent,
    /// From its sending by the vendor to our socket read.
    SentRecv,
    /// From the content frame of a tweet to its enrichment.
    ContentMeta,
}

impl Stage {
    /// Every stage, in the order of the table.
    pub const ALL: [Self; 10] = [
        Self::Decode,
        Self::Merge,
        Self::Signal,
        Self::Queue,
        Self::Total,
        Self::Taken,
        Self::CreatedReceived,
        Self::ReceivedSent,
        Self::SentRecv,
        Self::ContentMeta,
    ];

    /// The name as printed, in tables and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Merge => "merge",
            Self::Signal => "signal",
            Self::Queue => "queue",
            Self::Total => "recv→queued",
            Self::Taken => "queued→taken",
            Self::CreatedReceived => "created→received",
            Self::ReceivedSent => "received→sent",
            Self::SentRecv => "sent→recv",
            Self::ContentMeta => "content→meta",
        }
    }

    /// The name in interval logs: ASCII, without spaces or commas.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Merge => "merge",
            Self::Signal => "signal",
            Self::Queue => "queue",
            Self::Total => "recv-queued",
            Self::Taken => "queued-taken",
            Self::CreatedReceived => "created-received",
            Self::ReceivedSent => "received-sent",
            Self::SentRecv => "sent-recv",
            Self::ContentMeta => "content-meta",
        }
    }

    /// Which clocks this stage is measured with.
    pub const fn clock(self) -> Clock {
        match self {
            Self::Decode | Self::Merge | Self::Signal | Self::Queue | Self::Total | Self::Taken => {
                Clock::Machine
            }
            Self::CreatedReceived | Self::ReceivedSent | Self::SentRecv | Self::ContentMeta => Clock::Wall,
        }
    }

    /// Place of this stage in [`Stage::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_the_name_in_ascii() {
        for stage in Stage::ALL {
            assert_eq!(stage.tag(), stage.name().replace('→', "-"));
            assert!(stage.tag().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{stage}");
        }
    }

    #[test]
    fn all_lists_every_stage_at_its_own_index() {
        for (index, stage) in Stage::ALL.into_iter().enumerate() {
            assert_eq!(stage.index(), index, "{stage}");
        }
    }

    #[test]
    fn names_are_distinct() {
        let mut names: Vec<_> = Stage::ALL.into_iter().map(Stage::name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Stage::ALL.len());
    }

    #[test]
    fn only_the_last_four_are_wall_clock_differences() {
        let wall: Vec<_> = Stage::ALL.into_iter().filter(|stage| stage.clock() == Clock::Wall).collect();
        assert_eq!(wall, &Stage::ALL[6..]);
    }
}
