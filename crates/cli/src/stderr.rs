//! The way to stderr: a bounded queue, and a thread of its own that writes.
//!
//! Log lines never wait: a disk that is full, or a reader that is gone or does not read, costs lines and not the run.
//! What is lost is counted, and the count is written as soon as something can be written again. `tracing-appender` does
//! not fit: it counts no line that a failed write has lost, and if its queue is full at the end it complains on stdout,
//! among the decisions.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, ErrorKind, Write};
use std::panic::PanicHookInfo;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{
    Receiver, RecvTimeoutError, SendTimeoutError, Sender, TryRecvError, TrySendError, bounded,
};

/// Lines that wait to be written; newer ones are lost.
const LINES: usize = 4096;
/// How long a program that must not be held up waits for a stderr on which nothing moves, once.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it waits so long at its end while lines move, but slowly.
const ROUNDS: u32 = 3;
/// For ends that should come at once.
const MOMENT: Duration = Duration::from_millis(100);
/// How soon writing is tried again while it fails.
const AGAIN: Duration = Duration::from_secs(1);
/// How soon a pipe that takes nothing now is tried again, where the system does not wait for it by itself.
const NAP: Duration = Duration::from_millis(10);

static QUEUE: OnceLock<Queue> = OnceLock::new();

/// Starts the thread. Without `is_patient` nothing waits for stderr for longer than a few seconds.
///
/// If the system gives no thread, lines are written by whoever has them.
pub(crate) fn start(is_patient: bool) {
    let (queue, taken) = Queue::new(is_patient);
    let work = Work { out: io::stderr(), missing: 0, is_torn: false };
    let run = move || work.run(&taken, QUEUE.wait());
    #[expect(
        clippy::disallowed_methods,
        reason = "ends with the process, which does not wait for a stuck pipe"
    )]
    let started = std::thread::Builder::new().name("stoop-stderr".to_owned()).spawn(run);
    if started.is_ok() {
        QUEUE.get_or_init(|| queue);
        std::panic::set_hook(Box::new(panicked));
    }
}

/// Log lines lost so far.
pub(crate) fn lost() -> u64 {
    QUEUE.get().map_or(0, |queue| queue.lost.load(Ordering::Acquire))
}

/// Writes a line that people wait for: waits for room, unless stderr is stuck.
pub(crate) fn write_line(line: String) {
    match QUEUE.get() {
        Some(queue) => queue.put_patiently(line.into_bytes()),
        None => drop(io::stderr().write_all(line.as_bytes())),
    }
}

/// Shows something that the next replaces, if there is room.
pub(crate) fn show(text: String) {
    match QUEUE.get() {
        Some(queue) => drop(queue.send.try_send(Entry::Passing(text.into_bytes()))),
        None => drop(io::stderr().write_all(text.as_bytes())),
    }
}

/// From now on nothing waits long: the process is to end.
pub(crate) fn hurry() {
    if let Some(queue) = QUEUE.get() {
        queue.is_patient.store(false, Ordering::Release);
    }
}

/// Waits until all lines are written, or nothing moves any more.
pub(crate) fn finish() {
    if let Some(queue) = QUEUE.get() {
        queue.finish(PATIENCE, ROUNDS);
    }
}

/// Waits until all lines are written, for a moment at most.
pub(crate) fn finish_at_once() {
    hurry();
    if let Some(queue) = QUEUE.get() {
        queue.finish(MOMENT, 1);
    }
}

/// Says what std's own hook says, which would wait for a stderr that is stuck.
fn panicked(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let trace = Backtrace::capture();
    let is_captured = trace.status() == BacktraceStatus::Captured;
    let trace = if is_captured { format!("stack backtrace:\n{trace}\n") } else { String::new() };
    let line = format!("\nthread '{}' {panic}\n{trace}", thread.name().unwrap_or("<unnamed>"));
    if let Some(queue) = QUEUE.get() {
        queue.put(line.into_bytes());
    }
}

/// Where the log is written: each write is a line.
pub(crate) struct Log;

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match QUEUE.get() {
            Some(queue) => queue.put(line.to_vec()),
            None => drop(io::stderr().write_all(line)),
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Entry {
    Line {
        /// Lines that found no room before this one.
        lost_before: u64,
        bytes: Vec<u8>,
    },
    Passing(Vec<u8>),
    /// All before it is written, or lost.
    Finish(Sender<()>),
}

/// The end that never fails.
struct Queue {
    send: Sender<Entry>,
    /// All that were lost.
    lost: AtomicU64,
    /// Those of them that no later line has told of.
    untold: AtomicU64,
    /// Entries that the thread has dealt with.
    moved: AtomicU64,
    is_patient: AtomicBool,
    /// Somebody has waited in vain already.
    is_stuck: AtomicBool,
}

impl Queue {
    fn new(is_patient: bool) -> (Self, Receiver<Entry>) {
        let (send, taken) = bounded(LINES);
        let queue = Self {
            send,
            lost: AtomicU64::new(0),
            untold: AtomicU64::new(0),
            moved: AtomicU64::new(0),
            is_patient: AtomicBool::new(is_patient),
            is_stuck: AtomicBool::new(false),
        };
        (queue, taken)
    }

    /// Puts a line behind the others, or loses it.
    fn put(&self, bytes: Vec<u8>) {
        if let Some(entry) = self.try_put(bytes) {
            self.lose(&entry);
        }
    }

    /// Waits for room, but in vain only once.
    fn put_patiently(&self, bytes: Vec<u8>) {
        let Some(mut entry) = self.try_put(bytes) else { return };
        while !self.is_stuck.load(Ordering::Acquire) {
            let moved = self.moved.load(Ordering::Acquire);
            match self.send.send_timeout(entry, PATIENCE) {
                Ok(()) => return,
                Err(error) => entry = error.into_inner(),
            }
            self.judge(moved);
        }
        self.lose(&entry);
    }

    /// The line back, if there is no room for it.
    fn try_put(&self, bytes: Vec<u8>) -> Option<Entry> {
        let lost_before = self.untold.swap(0, Ordering::AcqRel);
        match self.send.try_send(Entry::Line { lost_before, bytes }) {
            Ok(()) => {
                self.is_stuck.store(false, Ordering::Release);
                None
            }
            Err(TrySendError::Full(entry) | TrySendError::Disconnected(entry)) => Some(entry),
        }
    }

    fn lose(&self, entry: &Entry) {
        if let Entry::Line { lost_before, .. } = entry {
            self.lost.fetch_add(1, Ordering::AcqRel);
            self.untold.fetch_add(lost_before + 1, Ordering::AcqRel);
        }
    }

    /// After a wait in which only `moved` entries had been dealt with.
    fn judge(&self, moved: u64) {
        let is_still = self.moved.load(Ordering::Acquire) == moved;
        if is_still && !self.is_patient.load(Ordering::Acquire) {
            self.is_stuck.store(true, Ordering::Release);
        }
    }

    /// Waits until all is written; unless it is patient, so many rounds of `limit` at most, and one if nothing moves.
    fn finish(&self, limit: Duration, mut rounds: u32) {
        let (done, finished) = bounded(1);
        let mut mark = Some(Entry::Finish(done));
        while rounds > 0 && !self.is_stuck.load(Ordering::Acquire) {
            let moved = self.moved.load(Ordering::Acquire);
            if let Some(entry) = mark.take() {
                mark = self.send.send_timeout(entry, limit).err().map(SendTimeoutError::into_inner);
            }
            if mark.is_none() && finished.recv_timeout(limit) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            self.judge(moved);
            rounds -= u32::from(!self.is_patient.load(Ordering::Acquire));
        }
    }
}

/// What the thread owns.
struct Work<W> {
    out: W,
    /// Lines lost that the log does not know of yet.
    missing: u64,
    /// The last write has ended within a line.
    is_torn: bool,
}

impl<W: Write> Work<W> {
    fn run(mut self, taken: &Receiver<Entry>, queue: &Queue) {
        loop {
            let entry = match taken.try_recv() {
                Ok(entry) => entry,
                Err(TryRecvError::Empty) => {
                    self.tell_of_lost(queue);
                    let next = if self.missing == 0 {
                        taken.recv().map_err(RecvTimeoutError::from)
                    } else {
                        taken.recv_timeout(AGAIN)
                    };
                    match next {
                        Ok(entry) => entry,
                        Err(RecvTimeoutError::Timeout) => continue,
                        Err(RecvTimeoutError::Disconnected) => return,
                    }
                }
                Err(TryRecvError::Disconnected) => return,
            };
            self.deal_with(entry, queue);
            queue.moved.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn deal_with(&mut self, entry: Entry, queue: &Queue) {
        match entry {
            Entry::Line { lost_before, bytes } => {
                self.missing += lost_before;
                if self.tell().and_then(|()| self.write(&bytes)).is_err() {
                    self.missing += 1;
                    queue.lost.fetch_add(1, Ordering::AcqRel);
                }
            }
            // Nobody misses it.
            Entry::Passing(bytes) => drop(self.write(&bytes)),
            Entry::Finish(done) => {
                self.tell_of_lost(queue);
                // Whoever waited may have given up.
                done.try_send(()).unwrap_or_default();
            }
        }
    }

    /// Tells of lines that found no room and that no line has followed.
    fn tell_of_lost(&mut self, queue: &Queue) {
        self.missing += queue.untold.swap(0, Ordering::AcqRel);
        // It is tried again.
        drop(self.tell());
    }

    fn tell(&mut self) -> io::Result<()> {
        let line = match self.missing {
            0 => return Ok(()),
            1 => "stoop: 1 log line was lost\n".to_owned(),
            missing => format!("stoop: {missing} log lines were lost\n"),
        };
        self.write(line.as_bytes())?;
        self.missing = 0;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_torn {
            self.write_whole(b"\n")?;
            self.is_torn = false;
        }
        self.write_whole(bytes)
    }

    fn write_whole(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let len = bytes.len();
        while !bytes.is_empty() {
            match self.out.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::park_timeout(NAP),
                Err(error) => {
                    self.is_torn |= bytes.len() < len;
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A file on a disk with so much room; none: it is gone for good.
    #[derive(Clone, Default)]
    struct Disk(Arc<Mutex<(String, usize)>>);

    impl Disk {
        fn with_room(bytes: usize) -> Self {
            let disk = Self::default();
            disk.make_room(bytes);
            disk
        }

        fn make_room(&self, bytes: usize) {
            self.0.lock().unwrap().1 = bytes;
        }

        fn text(&self) -> String {
            self.0.lock().unwrap().0.clone()
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut disk = self.0.lock().unwrap();
            let count = bytes.len().min(disk.1);
            if count == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            disk.0.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
            disk.1 -= count;
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn work<W>(out: W) -> Work<W> {
        Work { out, missing: 0, is_torn: false }
    }

    /// Writes all that waits.
    fn write_all<W: Write>(work: &mut Work<W>, queue: &Queue, taken: &Receiver<Entry>) {
        taken.try_iter().for_each(|entry| work.deal_with(entry, queue));
        work.tell_of_lost(queue);
    }

    fn put(queue: &Queue, line: &str) {
        queue.put(format!("{line}\n").into_bytes());
    }

    fn lost(queue: &Queue) -> u64 {
        queue.lost.load(Ordering::Acquire)
    }

    #[test]
    fn lines_that_a_full_disk_refuses_are_counted_and_told_before_the_next() {
        let disk = Disk::with_room(6);
        let ((queue, taken), mut work) = (Queue::new(false), work(disk.clone()));
        for line in ["first", "second", "third"] {
            put(&queue, line);
        }
        write_all(&mut work, &queue, &taken);
        assert_eq!((disk.text().as_str(), lost(&queue)), ("first\n", 2));
        disk.make_room(1000);
        put(&queue, "fourth");
        write_all(&mut work, &queue, &taken);
        assert_eq!(disk.text(), "first\nstoop: 2 log lines were lost\nfourth\n");
        put(&queue, "fifth");
        write_all(&mut work, &queue, &taken);
        assert!(disk.text().ends_with("fourth\nfifth\n"), "told once: {}", disk.text());
        assert_eq!(lost(&queue), 2);
    }

    #[test]
    fn a_line_that_the_disk_took_in_part_is_ended_before_the_next() {
        let disk = Disk::with_room(3);
        let ((queue, taken), mut work) = (Queue::new(false), work(disk.clone()));
        put(&queue, "first");
        write_all(&mut work, &queue, &taken);
        // Room came, and no line: its loss is told all the same.
        disk.make_room(1000);
        write_all(&mut work, &queue, &taken);
        assert_eq!(disk.text(), "fir\nstoop: 1 log line was lost\n");
    }

    #[test]
    fn lines_that_find_no_room_in_the_queue_are_told_of_where_they_are_missing() {
        let disk = Disk::with_room(usize::MAX);
        let ((queue, taken), mut work) = (Queue::new(false), work(disk.clone()));
        // Nobody writes: this must not wait.
        (0..LINES + 5).for_each(|_| put(&queue, "waits"));
        assert_eq!(lost(&queue), 5);
        let first = taken.try_recv().unwrap();
        put(&queue, "behind");
        put(&queue, "lost too");
        work.deal_with(first, &queue);
        write_all(&mut work, &queue, &taken);
        let text = disk.text();
        let end = "waits\nstoop: 5 log lines were lost\nbehind\nstoop: 1 log line was lost\n";
        assert!(text.ends_with(end), "{}", &text[text.len() - 200..]);
        assert_eq!((text.matches("waits").count(), lost(&queue)), (LINES, 6));
    }

    #[test]
    fn a_pipe_that_takes_nothing_now_is_tried_again() {
        struct Slow(Disk, bool);
        impl Write for Slow {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.1 = !self.1;
                if self.1 { Err(ErrorKind::WouldBlock.into()) } else { self.0.write(&bytes[..1]) }
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let disk = Disk::with_room(1000);
        let ((queue, taken), mut work) = (Queue::new(false), work(Slow(disk.clone(), false)));
        put(&queue, "whole");
        write_all(&mut work, &queue, &taken);
        assert_eq!((disk.text().as_str(), lost(&queue)), ("whole\n", 0));
    }

    #[test]
    fn an_impatient_end_gives_up_on_a_queue_in_which_nothing_moves() {
        let (queue, taken) = Queue::new(false);
        (0..LINES).for_each(|_| put(&queue, "waits"));
        queue.finish(Duration::from_millis(1), ROUNDS);
        assert!(queue.is_stuck.load(Ordering::Acquire));
        // What follows does not wait for room either.
        queue.put_patiently(b"end\n".to_vec());
        assert_eq!((taken.len(), lost(&queue)), (LINES, 1));
    }
}
