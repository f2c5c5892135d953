//! Runs the program, follows what it writes, and ends it if it hangs.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

/// A program, server or thread that gives no sign for this long hangs. It only bounds a test that fails: one that
/// passes never waits for it, so it is far longer than anything takes on a machine that is slow or busy.
pub(crate) const LIMIT: Duration = Duration::from_mins(10);
/// What is waited for comes within this time, however many other signs a program gives in between.
const IN_ALL: Duration = Duration::from_mins(30);
/// Lines that a failure shows of what a program has written: the last.
const SHOWN: usize = 20;
const KEY_VARIABLE: &str = "TWEETSTREAM_API_KEY";

/// Starts a named thread.
#[expect(clippy::disallowed_methods, reason = "the one place of these tests that starts threads")]
pub(crate) fn thread<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    std::thread::Builder::new().name(name.to_owned()).spawn(body).expect("a thread starts")
}

/// Waits until this is so, for what does not tell when it changes; `what` it is stands in the failure if it never is.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    const STEP: Duration = Duration::from_millis(5);
    let mut left = LIMIT;
    while !is_so() {
        left = left.checked_sub(STEP).unwrap_or_else(|| panic!("waited for {what}"));
        std::thread::park_timeout(STEP);
    }
}

/// The result of a thread that is about to end; `what` it does stands in the failure if it never ends.
pub(crate) fn join<T>(what: &str, thread: JoinHandle<T>) -> T {
    wait_until(what, || thread.is_finished());
    thread.join().unwrap_or_else(|_| panic!("{what}: the thread has panicked"))
}

/// A call of the program that has yet to be made.
pub(crate) struct Call {
    command: Command,
    input: Vec<u8>,
    errors: Errors,
}

/// Where stderr of a program goes.
enum Errors {
    Followed,
    /// Into a pipe that nobody reads.
    Unread,
    File(File),
}

/// A call without a key in the environment.
pub(crate) fn stoop(args: &[&str]) -> Call {
    call(env!("CARGO_BIN_EXE_stoop"), args)
}

/// A call of any program.
pub(crate) fn call(program: &str, args: &[&str]) -> Call {
    let mut command = Command::new(program);
    command.args(args).env_remove(KEY_VARIABLE);
    // What the machine says of proxies is not for tests.
    for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Call { command, input: Vec::new(), errors: Errors::Followed }
}

impl Call {
    /// Puts a key into the environment.
    pub(crate) fn key(mut self, key: &str) -> Self {
        self.command.env(KEY_VARIABLE, key);
        self
    }

    /// Puts another variable into the environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Lets no file of it grow beyond so many KiB: to the program, a disk that is full, until [`Program::make_room`].
    pub(crate) fn with_file_limit_kib(mut self, kib: u64) -> Self {
        let mut command = Command::new("sh");
        // Beyond the limit a write fails rather than end the process. Blocks of sh are 512 bytes.
        command.args(["-c", &format!("trap '' XFSZ; ulimit -S -f {}; exec \"$0\" \"$@\"", kib * 2)]);
        command.arg(self.command.get_program()).args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.command = command;
        self
    }

    /// Has it write its stderr into a file.
    pub(crate) fn stderr_to(mut self, file: File) -> Self {
        self.errors = Errors::File(file);
        self
    }

    /// Has nobody read its stderr until [`Program::read_stderr`].
    pub(crate) fn with_stderr_unread(mut self) -> Self {
        self.errors = Errors::Unread;
        self
    }

    pub(crate) fn stdin(mut self, input: Vec<u8>) -> Self {
        self.input = input;
        self
    }

    /// Starts the program and follows both its outputs.
    pub(crate) fn start(self) -> Program {
        let mut program = self.start_unread();
        program.read_stdout();
        program
    }

    /// Starts the program; nobody reads its stdout yet.
    pub(crate) fn start_unread(mut self) -> Program {
        let program = self.command.get_program().to_owned();
        let is_followed = !matches!(self.errors, Errors::Unread);
        if let Errors::File(file) = self.errors {
            self.command.stderr(file);
        }
        let mut child = self
            .command
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start ({error}): install it", program.display()));
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        let input = self.input;
        // It may end without reading all of it.
        drop(thread("stdin", move || drop(stdin.write_all(&input))));
        let (unread, unread_stderr) = (child.stdout.take(), child.stderr.take());
        let mut program =
            Program { child, unread, unread_stderr, stdout: Arc::default(), stderr: Arc::default() };
        if is_followed {
            program.read_stderr();
        }
        program
    }

    /// Runs the program to its end.
    pub(crate) fn finish(self) -> Finished {
        self.start().finish()
    }
}

/// A running program; dropping it ends it.
pub(crate) struct Program {
    child: Child,
    unread: Option<ChildStdout>,
    unread_stderr: Option<ChildStderr>,
    pub(crate) stdout: Arc<Stream>,
    pub(crate) stderr: Arc<Stream>,
}

impl Program {
    /// Starts to read stdout.
    pub(crate) fn read_stdout(&mut self) {
        self.read_stdout_up_to(usize::MAX);
    }

    /// Starts to read stdout, but takes no more than so many lines until [`Stream::go_on`].
    pub(crate) fn read_stdout_up_to(&mut self, lines: usize) {
        let stdout = self.unread.take().expect("nobody reads stdout yet");
        self.stdout = Stream::follow("stdout", stdout, lines);
    }

    /// Starts to read stderr, unless it is a file.
    pub(crate) fn read_stderr(&mut self) {
        match self.unread_stderr.take() {
            Some(stderr) => self.stderr = Stream::follow("stderr", stderr, usize::MAX),
            None => self.stderr.end(),
        }
    }

    /// Closes stderr, as a reader does that has ended.
    pub(crate) fn close_stderr(&mut self) {
        drop(self.unread_stderr.take());
        self.stderr.end();
    }

    /// Closes stdout, as a reader does that has seen enough.
    pub(crate) fn close_stdout(&mut self) {
        drop(self.unread.take());
        self.stdout.end();
    }

    /// Sends a signal such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let line = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &line]).status().expect("sh starts");
        assert!(status.success(), "{line}");
    }

    /// Lifts the limit of [`Call::with_file_limit_kib`].
    pub(crate) fn make_room(&self) {
        let pid = self.child.id().to_string();
        let status = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited:"]).status();
        assert!(status.expect("prlimit, of util-linux, starts").success(), "the limit cannot be lifted");
    }

    /// Most memory it has had so far, bytes; none where the system does not tell.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
    }

    /// Waits for its end; stderr that nobody reads stays unread.
    pub(crate) fn finish(mut self) -> Finished {
        let stdout = self.stdout.wait_for_end();
        let is_unread = self.unread_stderr.is_some();
        let stderr = if is_unread { Some(Vec::new()) } else { self.stderr.wait_for_end() };
        let (Some(stdout), Some(stderr)) = (stdout, stderr) else {
            self.child.kill().expect("a hanging program can be ended");
            panic!("the program was waited for and hangs; its stderr:\n{}", last_of(&self.stderr.seen()));
        };
        let code = self.child.wait().expect("its end can be waited for").code();
        Finished { code, stdout, stderr }
    }
}

impl Program {
    /// Waits for its end without ever reading its stdout.
    pub(crate) fn finish_unread(mut self) -> Finished {
        let Some(stderr) = self.stderr.wait_for_end() else {
            panic!("the program was waited for and hangs; its stderr:\n{}", last_of(&self.stderr.seen()));
        };
        let code = self.child.wait().expect("its end can be waited for").code();
        Finished { code, stdout: Vec::new(), stderr }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already; nothing else can go wrong with a child of our own.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a program has left behind.
pub(crate) struct Finished {
    /// None if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: Vec<String>,
}

impl Finished {
    /// Asserts the exit code, and shows stderr if it is another.
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stderr:\n{}", self.errors());
        self
    }

    pub(crate) fn errors(&self) -> String {
        self.stderr.join("\n")
    }

    /// The digest told on stderr.
    pub(crate) fn digest(&self) -> String {
        let told = self.stderr.iter().find_map(|line| line.strip_prefix("digest "));
        told.unwrap_or_else(|| panic!("no digest on stderr:\n{}", self.errors())).to_owned()
    }

    /// The summary told on stderr with `--json`.
    pub(crate) fn summary(&self) -> Value {
        let last = self.stderr.last().map_or("", String::as_str);
        serde_json::from_str(last)
            .unwrap_or_else(|error| panic!("{error} in the last of stderr:\n{}", self.errors()))
    }
}

fn last_of(lines: &[String]) -> String {
    lines[lines.len().saturating_sub(SHOWN)..].join("\n")
}

/// Lines as they come.
#[derive(Default)]
pub(crate) struct Stream {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<String>,
    /// Lines that may be taken; none once the reader hangs up.
    wanted: Option<usize>,
    is_over: bool,
}

impl Stream {
    fn follow(name: &str, source: impl Read + Send + 'static, wanted: usize) -> Arc<Self> {
        let stream = Arc::<Self>::default();
        stream.change(|state| state.wanted = Some(wanted));
        let writer = Arc::clone(&stream);
        drop(thread(name, move || {
            for line in BufReader::new(source).split(b'\n') {
                let Ok(line) = line else { break };
                writer.change(|state| state.lines.push(String::from_utf8_lossy(&line).into_owned()));
                if !writer.wants_more() {
                    break;
                }
            }
            writer.end();
        }));
        stream
    }

    /// Waits until another line may be taken; false if the reader hangs up.
    fn wants_more(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let has_enough = |state: &mut State| state.wanted.is_some_and(|wanted| state.lines.len() >= wanted);
        let state = self.changed.wait_while(state, has_enough).unwrap_or_else(PoisonError::into_inner);
        state.wanted.is_some()
    }

    /// Takes lines up to this number in all.
    pub(crate) fn go_on(&self, lines: usize) {
        self.change(|state| state.wanted = Some(lines));
    }

    /// Closes the source once it has taken what it wanted.
    pub(crate) fn hang_up(&self) {
        self.change(|state| state.wanted = None);
    }

    fn end(&self) {
        self.change(|state| state.is_over = true);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    /// Lines so far.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).lines.clone()
    }

    /// Waits for a line that fits; `what` it is stands in the failure if none comes.
    pub(crate) fn wait_for(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let mut looked_at = 0;
        let mut found = None;
        self.wait(|state| {
            while let Some(line) = state.lines.get(looked_at)
                && found.is_none()
            {
                looked_at += 1;
                found = fits(line).then(|| line.clone());
            }
            found.is_some()
        });
        found.unwrap_or_else(|| {
            let seen = self.seen();
            panic!("waited for {what}; {} lines have come, the last:\n{}", seen.len(), last_of(&seen))
        })
    }

    /// Waits for a status line that fits, among those from now on: so many at most, since they never end by themselves.
    pub(crate) fn wait_for_status(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        const MOST: usize = 3_000;
        let (mut looked_at, mut count, mut last) = (self.seen().len(), 0, Value::Null);
        self.wait(|state| {
            while let Some(line) = state.lines.get(looked_at)
                && count < MOST
                && !fits(&last)
            {
                looked_at += 1;
                if line.starts_with(r#"{"kind":"status""#) {
                    count += 1;
                    last = serde_json::from_str(line).expect("a status line is JSON");
                }
            }
            count == MOST || fits(&last)
        });
        assert!(fits(&last), "{what}: not so after {count} status lines; the last: {last}");
        last
    }

    /// Waits until there are so many lines.
    pub(crate) fn wait_for_lines(&self, count: usize) {
        self.wait(|state| state.lines.len() >= count);
        let seen = self.seen();
        let come = seen.len();
        assert!(come >= count, "waited for {count} lines; {come} have come, the last:\n{}", last_of(&seen));
    }

    /// All lines, once the last has come; none if that takes too long.
    fn wait_for_end(&self) -> Option<Vec<String>> {
        self.wait(|state| state.is_over);
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_over.then(|| state.lines.clone())
    }

    /// Waits until this is so, the stream has ended, or nothing, or nothing else, has come for too long.
    #[expect(clippy::disallowed_methods, reason = "a program that goes on for ever gives signs for ever")]
    fn wait(&self, mut is_so: impl FnMut(&State) -> bool) {
        let begun = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !is_so(&state) && !state.is_over {
            let (woken, waited) =
                self.changed.wait_timeout(state, LIMIT).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if waited.timed_out() || begun.elapsed() > IN_ALL {
                return;
            }
        }
    }
}
