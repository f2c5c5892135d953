//! Every deadline of the policy, in one enum and one table.

/// What the policy may be waiting for.
///
/// Of two that fall on the same instant the one named first here comes first: a link that answers no
/// ping is dead before it is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Deadline {
    /// The handshake must be complete.
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

    pub(crate) fn is_armed(&self, deadline: Deadline) -> bool {
        self.0[deadline as usize].is_some()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The earliest armed deadline.
    pub(crate) fn next(&self) -> Option<(Deadline, i64)> {
        Deadline::ALL
            .into_iter()
            .zip(self.0)
            .filter_map(|(deadline, at)| at.map(|at| (deadline, at)))
            .min_by_key(|&(_, at)| at)
    }

    /// Disarms and returns the earliest deadline if it is not after `now`.
    pub(crate) fn take_due(&mut self, now: i64) -> Option<Deadline> {
        let (deadline, _) = self.next().filter(|&(_, at)| at <= now)?;
        self.disarm(deadline);
        Some(deadline)
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
        assert_eq!(deadlines.take_due(9), None);
        let due: Vec<_> = std::iter::from_fn(|| deadlines.take_due(30)).take(4).collect();
        assert_eq!(due, [Deadline::Ping, Deadline::Pong, Deadline::Stable]);
        assert_eq!(deadlines.next(), Some((Deadline::Retry, 31)));
        deadlines.clear();
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn arming_again_moves_a_deadline() {
        let mut deadlines = Deadlines::default();
        deadlines.arm(Deadline::Ping, 10);
        deadlines.arm(Deadline::Ping, 20);
        assert_eq!(deadlines.take_due(19), None);
        assert!(deadlines.is_armed(Deadline::Ping));
        deadlines.disarm(Deadline::Ping);
        assert_eq!(deadlines.next(), None);
    }
}
