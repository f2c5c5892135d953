//! The words of the language: one table for the parser, its errors and the help.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::time::Duration;

use super::action::{Action, ConnectionAction, FrameAction, Rubbish, StreamAction};

/// Longest message the server makes up, bytes. It is built in memory.
const LONGEST: u64 = 256 << 20;
/// Most frames that a frame may be held back for, or times it may be repeated. Held frames are kept in memory.
const FRAMES: u64 = 10_000;

/// An action of the language.
pub(super) struct Word {
    pub(super) name: &'static str,
    /// How to write it, for errors and the help.
    pub(super) form: &'static str,
    says: &'static str,
    /// Reads the argument; an error says what is wrong with it.
    pub(super) read: fn(Argument<'_>) -> Result<Action, String>,
}

/// The text in the brackets of an action; `None` without brackets.
#[derive(Clone, Copy)]
pub(super) struct Argument<'a>(pub(super) Option<&'a str>);

/// Triggers as the help shows them.
const TRIGGERS: [(&str, &str); 8] = [
    ("after=N", "once, after N frames; an action on a frame applies to the next one"),
    ("every=N", "after each Nth frame; an action on a frame applies to that one"),
    ("at=TIME", "once, so long after the connect"),
    ("end", "once, after the last frame of the input"),
    ("p=X", "only with this chance, 0 to 1; alone, it is tried at every frame"),
    ("conn=N", "only this connection, or N-M, or N- for all from N on"),
    ("first=N", "only the first N connections"),
    ("until=TIME", "only connections asked for so long after the server has started"),
];

/// Actions, by what they act on.
const GROUPS: [(&str, &[Word]); 3] = [
    ("Actions on a connection; of the triggers they take conn, first, until and p", &ON_CONNECTIONS),
    ("Actions on the stream; without a trigger they strike at the connect", &ON_STREAMS),
    ("Actions on a frame; without a trigger they take each", &ON_FRAMES),
];

const ON_CONNECTIONS: [Word; 7] = [
    Word {
        name: "refuse",
        form: "refuse(STATUS)",
        says: "answer the upgrade with this HTTP status, 400 to 599",
        read: |argument| Ok(ConnectionAction::Refuse(argument.number(400, 599)? as u16).into()),
    },
    Word {
        name: "html",
        form: "html",
        says: "answer the upgrade with HTTP 200 and a page",
        read: |argument| argument.nothing(ConnectionAction::Html),
    },
    Word {
        name: "subprotocol",
        form: "subprotocol(NAME)",
        says: "select this sub-protocol, offered or not",
        read: |argument| Ok(ConnectionAction::Subprotocol(argument.subprotocol()?).into()),
    },
    Word {
        name: "endless-head",
        form: "endless-head",
        says: "answer the upgrade with headers that never end",
        read: |argument| argument.nothing(ConnectionAction::EndlessHead),
    },
    Word {
        name: "silent-head",
        form: "silent-head",
        says: "stop in the middle of the answer to the upgrade",
        read: |argument| argument.nothing(ConnectionAction::SilentHead),
    },
    Word {
        name: "late-slot",
        form: "late-slot(TIME)",
        says: "free its slot so long after its end; see --max-connections",
        read: |argument| Ok(ConnectionAction::LateSlot(argument.duration()?).into()),
    },
    Word {
        name: "replay",
        form: "replay(N)",
        says: "begin N frames before the last that the client has acknowledged",
        read: |argument| Ok(ConnectionAction::Replay(argument.number(0, FRAMES)?).into()),
    },
];

const ON_STREAMS: [Word; 14] = [
    Word {
        name: "fin",
        form: "fin",
        says: "end the TCP connection without a close",
        read: |argument| argument.nothing(StreamAction::Fin),
    },
    Word {
        name: "rst",
        form: "rst",
        says: "reset the TCP connection",
        read: |argument| argument.nothing(StreamAction::Rst),
    },
    Word {
        name: "close",
        form: "close(CODE) or close",
        says: "close with this code, 1000 to 4999, or without one",
        read: |argument| Ok(StreamAction::Close(argument.close_code()?).into()),
    },
    Word {
        name: "stall",
        form: "stall(TIME) or stall",
        says: "send no data for so long, or ever; pings are answered",
        read: |argument| Ok(StreamAction::Stall(argument.optional_duration()?).into()),
    },
    Word {
        name: "freeze",
        form: "freeze(TIME) or freeze",
        says: "send and answer nothing for so long, or ever: half-open",
        read: |argument| Ok(StreamAction::Freeze(argument.optional_duration()?).into()),
    },
    Word {
        name: "no-pong",
        form: "no-pong",
        says: "answer pings no more; data goes on",
        read: |argument| argument.nothing(StreamAction::NoPong),
    },
    Word {
        name: "slow",
        form: "slow(SIZE)",
        says: "send this many bytes a second from here on",
        read: |argument| Ok(StreamAction::Slow(argument.size(u64::MAX >> 1)?).into()),
    },
    Word {
        name: "skew",
        form: "skew(TIME)",
        says: "add to every ts from here on; TIME may begin with -",
        read: |argument| Ok(StreamAction::Skew(argument.signed_ms()?).into()),
    },
    Word {
        name: "half",
        form: "half",
        says: "send half of the next frame, then nothing",
        read: |argument| argument.nothing(StreamAction::Half),
    },
    Word {
        name: "claim",
        form: "claim(SIZE)",
        says: "announce a frame of that size, then send nothing",
        read: |argument| Ok(StreamAction::Claim(argument.size(i64::MAX as u64)?).into()),
    },
    Word {
        name: "endless",
        form: "endless",
        says: "begin a message whose fragments never end",
        read: |argument| argument.nothing(StreamAction::Endless),
    },
    Word {
        name: "hollow",
        form: "hollow",
        says: "begin a message whose fragments never end and hold nothing",
        read: |argument| argument.nothing(StreamAction::Hollow),
    },
    Word {
        name: "long",
        form: "long(SIZE)",
        says: "send one more message, good JSON, of that size",
        read: |argument| Ok(StreamAction::Long(argument.size(LONGEST)? as usize).into()),
    },
    Word {
        name: "rubbish",
        form: "rubbish(KIND)",
        says: "one more message: json (cut off), utf8 (text that is not) or binary",
        read: |argument| Ok(StreamAction::Rubbish(argument.rubbish()?).into()),
    },
];

const ON_FRAMES: [Word; 7] = [
    Word {
        name: "dup",
        form: "dup or dup(N)",
        says: "send the frame once more, or N times",
        read: |argument| Ok(FrameAction::Dup(argument.optional_number(1, FRAMES)?.unwrap_or(1)).into()),
    },
    Word {
        name: "late",
        form: "late(N)",
        says: "send the frame after the next N",
        read: |argument| Ok(FrameAction::Late(argument.number(1, FRAMES)?).into()),
    },
    Word {
        name: "meta-first",
        form: "meta-first(N)",
        says: "send a content after its meta, if that is among the next N frames",
        read: |argument| Ok(FrameAction::MetaFirst(argument.number(1, FRAMES)?).into()),
    },
    Word {
        name: "fragment",
        form: "fragment(N)",
        says: "send the frame in up to N fragments, cut anywhere",
        read: |argument| Ok(FrameAction::Fragment(argument.pieces()?).into()),
    },
    Word {
        name: "rsv",
        form: "rsv",
        says: "send the frame with RSV2 and RSV3 set",
        read: |argument| argument.nothing(FrameAction::Rsv),
    },
    Word {
        name: "masked",
        form: "masked",
        says: "send the frame masked, as only a client may",
        read: |argument| argument.nothing(FrameAction::Masked),
    },
    Word {
        name: "compressed",
        form: "compressed",
        says: "send the frame compressed (RSV1), which was not negotiated",
        read: |argument| argument.nothing(FrameAction::Compressed),
    },
];

/// All actions.
pub(super) fn words() -> impl Iterator<Item = &'static Word> {
    GROUPS.iter().flat_map(|(_, words)| words.iter())
}

/// The language on a page, as `stoop mock --help` shows it.
pub fn help() -> String {
    let mut text = String::from(
        "Faults\n\n--fault SPEC makes something go wrong; it may be given many times. SPEC is [TRIGGER,…:]ACTION:\n\n  \
         --fault after=200:rst            reset each connection after 200 frames\n  \
         --fault 'conn=2-,every=50:dup'   from the second connection on, each 50th frame twice\n  \
         --fault 'first=3:refuse(429)'    refuse the first three upgrades\n  \
         --fault 'p=0.01:rubbish(json)'   after one frame in a hundred, JSON that is cut off\n  \
         --fault 'close(1012)'            close each connection at once\n\nTriggers, joined by commas:\n\n",
    );
    let mut row = |word: &str, says: &str| {
        writeln!(text, "  {word:<24} {says}").expect("writing to a String does not fail");
    };
    for (word, says) in TRIGGERS {
        row(word, says);
    }
    for (title, words) in GROUPS {
        write!(text, "\n{title}:\n\n").expect("writing to a String does not fail");
        for Word { form, says, .. } in words {
            writeln!(text, "  {form:<24} {says}").expect("writing to a String does not fail");
        }
    }
    text.push_str(
        "\nEvery upgrade asked for counts as a connection. TIME is a number and ms, s, m, h or d; SIZE a\n\
         number of bytes, with K, M or G if you like. Chance is decided by --fault-seed and the number of\n\
         the connection: same seed, same faults.\n",
    );
    text
}

impl Argument<'_> {
    fn nothing(self, action: impl Into<Action>) -> Result<Action, String> {
        match self.0 {
            None => Ok(action.into()),
            Some(text) => Err(format!("({text}) is too much")),
        }
    }

    fn required(&self) -> Result<&str, String> {
        self.0.filter(|text| !text.is_empty()).ok_or_else(|| "something is missing in brackets".to_owned())
    }

    fn number(self, least: u64, most: u64) -> Result<u64, String> {
        let text = self.required()?;
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| format!("`{text}` is not a number from {least} to {most}"))
    }

    fn optional_number(self, least: u64, most: u64) -> Result<Option<u64>, String> {
        self.0.map(|_| self.number(least, most)).transpose()
    }

    fn duration(self) -> Result<Duration, String> {
        duration(self.required()?)
    }

    fn optional_duration(self) -> Result<Option<Duration>, String> {
        self.0.map(|_| self.duration()).transpose()
    }

    fn signed_ms(self) -> Result<i64, String> {
        let text = self.required()?;
        let ms = duration(text.strip_prefix('-').unwrap_or(text))?.as_millis() as i64;
        Ok(if text.starts_with('-') { -ms } else { ms })
    }

    fn size(self, most: u64) -> Result<u64, String> {
        let text = self.required()?;
        let (digits, shift) = match text.as_bytes().last() {
            Some(b'K') => (&text[..text.len() - 1], 10),
            Some(b'M') => (&text[..text.len() - 1], 20),
            Some(b'G') => (&text[..text.len() - 1], 30),
            Some(_) | None => (text, 0),
        };
        let bytes = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
        bytes
            .filter(|bytes| (1..=most).contains(bytes))
            .ok_or_else(|| format!("`{text}` is not a number of bytes from 1 to {most}, such as 512 or 2M"))
    }

    fn pieces(self) -> Result<NonZeroUsize, String> {
        let pieces = self.number(1, FRAMES)?;
        Ok(NonZeroUsize::new(pieces as usize).expect("at least 1"))
    }

    fn close_code(self) -> Result<Option<u16>, String> {
        let Some(text) = self.0 else { return Ok(None) };
        // RFC 6455 reserves 1004, 1005, 1006 and 1015 for what an endpoint tells its own program: they never travel.
        let code = text.parse().ok().filter(|code| (1000..=4999).contains(code));
        let code = code.filter(|code| !matches!(code, 1004..=1006 | 1015));
        code.map(Some).ok_or_else(|| format!("`{text}` is not a code that can be sent"))
    }

    fn subprotocol(self) -> Result<String, String> {
        let text = self.required()?;
        if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) {
            return Ok(text.to_owned());
        }
        Err(format!("`{text}` is not a name of letters, digits, `-`, `.` and `_`"))
    }

    fn rubbish(self) -> Result<Rubbish, String> {
        match self.required()? {
            "json" => Ok(Rubbish::Json),
            "utf8" => Ok(Rubbish::Utf8),
            "binary" => Ok(Rubbish::Binary),
            text => Err(format!("`{text}` is not one of json, utf8, binary")),
        }
    }
}

/// Reads a duration.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let nanos = stoop_engine::syntax::parse_duration(text);
    let nanos =
        nanos.ok_or_else(|| format!("`{text}` is not a time: write a number and ms, s, m, h or d"))?;
    Ok(Duration::from_nanos(nanos.unsigned_abs()))
}
