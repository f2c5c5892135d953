//! How far an input has been read.

use std::fmt;

/// Frames or records between two reports.
const EVERY: u64 = 65_536;

/// Counts what has been read, and reports the count now and then.
#[derive(Default)]
pub(crate) struct Progress {
    count: u64,
    each: Option<Box<dyn FnMut(u64) + Send>>,
}

impl Progress {
    pub(crate) fn to(each: impl FnMut(u64) + Send + 'static) -> Self {
        Self { count: 0, each: Some(Box::new(each)) }
    }

    pub(crate) fn count(&mut self) {
        self.count += 1;
        // By count and not by time: this crate has no clock.
        if self.count.is_multiple_of(EVERY)
            && let Some(each) = &mut self.each
        {
            each(self.count);
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Progress").field(&self.count).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use stoop_wire::Limits;

    use crate::Frames;

    #[test]
    fn the_count_of_frames_is_reported_now_and_then() {
        let (tell, told) = sync_channel(8);
        let lines = "x\n".repeat(140_000);
        let frames =
            Frames::from_reader("made", std::io::Cursor::new(lines), Limits::default()).expect("it reads");
        let mut frames = frames.tell(move |count| tell.send(count).expect("it is kept"));
        let mut line = Vec::new();
        while frames.next(&mut line).expect("it reads").is_some() {}
        drop(frames);
        assert_eq!(told.iter().collect::<Vec<_>>(), [65_536, 131_072]);
    }
}
