//! Every deadline of the policy, in one enum and one table.

/// Everything that the policy may be waiting for.
///
/// Of two that fall on the same instant the one named first here comes first: a connection that answers no ping is dead
/// before it is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Deadline {
    /// The current step of the dial must be over.
    Connect,
    /// A pong must have come.
    Pong,
    /// The connection counts as stable.
    Stable,
    /// The next ping is due.
    Ping,
    /// The next dial is due.
    Retry,
    /// The peer must have answered our close frame.
    Close,
}

impl Deadline {
    /// Every deadline, in the order they come at the same instant.
    pub const ALL: [Self; 6] =
        [Self::Connect, Self::Pong, Self::Stable, Self::Ping, Self::Retry, Self::Close];
}

/// When each deadline is, if it is armed; nanoseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Deadlines([Option<i64>; Deadline::ALL.len()]);

impl Deadlines {
    pub(crate) fn arm(&mut self, deadline: Deadline, at: i64) {
        self.0[deadline as usize] = Some(at);
    }

    pub(crate) fn disarm(&mut self, deadline: Deadline) {
        self.0[deadline as usize] = None;
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The earliest armed deadline.
    pub(crate) fn next(&self) -> Option<(Deadline, i64)> {
        // The first of equals wins, so the order of the enum breaks ties.
        self.armed().min_by_key(|&(_, at)| at)
    }

    /// When this deadline is, if it is armed.
    pub(crate) fn at(&self, deadline: Deadline) -> Option<i64> {
        self.0[deadline as usize]
    }

    /// Disarms and returns the earliest deadline that is not after `now`, leaving out the one that `waits`.
    pub(crate) fn pop_due(&mut self, now: i64, waits: Option<Deadline>) -> Option<Deadline> {
        let armed = self.armed().filter(|&(deadline, at)| at <= now && Some(deadline) != waits);
        let (deadline, _) = armed.min_by_key(|&(_, at)| at)?;
        self.disarm(deadline);
        Some(deadline)
    }

    fn armed(&self) -> impl Iterator<Item = (Deadline, i64)> {
        Deadline::ALL.into_iter().zip(self.0).filter_map(|(deadline, at)| at.map(|at| (deadline, at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lists_every_deadline_at_its_own_index() {
        for (index, deadline) in Deadline::ALL.into_iter().enumerate() {
            assert_eq!(deadline as usize, index, "{deadline:?}");
        }
    }

    #[test]
    fn due_deadlines_come_by_time_and_then_by_rank() {
        let mut deadlines = Deadlines::default();
        deadlines.arm(Deadline::Ping, 10);
        deadlines.arm(Deadline::Stable, 30);
        deadlines.arm(Deadline::Pong, 30);
        deadlines.arm(Deadline::Retry, 31);
        assert_eq!(deadlines.pop_due(9, None), None);
        let due: Vec<_> = std::iter::from_fn(|| deadlines.pop_due(30, None)).take(4).collect();
        assert_eq!(due, [Deadline::Ping, Deadline::Pong, Deadline::Stable]);
        assert_eq!(deadlines.next(), Some((Deadline::Retry, 31)));
        deadlines.clear();
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn a_deadline_that_waits_holds_up_no_other() {
        let mut deadlines = Deadlines::default();
        deadlines.arm(Deadline::Pong, 10);
        deadlines.arm(Deadline::Ping, 20);
        assert_eq!(deadlines.pop_due(20, Some(Deadline::Pong)), Some(Deadline::Ping));
        assert_eq!(deadlines.pop_due(20, Some(Deadline::Pong)), None);
        assert_eq!(deadlines.pop_due(20, None), Some(Deadline::Pong));
    }

    #[test]
    fn arming_again_moves_a_deadline() {
        let mut deadlines = Deadlines::default();
        deadlines.arm(Deadline::Ping, 10);
        deadlines.arm(Deadline::Ping, 20);
        assert_eq!(deadlines.pop_due(19, None), None);
        assert_eq!(deadlines.at(Deadline::Ping), Some(20));
        deadlines.disarm(Deadline::Ping);
        assert_eq!(deadlines.next(), None);
    }
}
