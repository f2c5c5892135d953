//! Why bytes are not JSON, and where.
//!
//! The offsets in simd-json's own errors depend on the machine's vector unit, and some errors have none. So bytes that
//! it refuses are scanned a second time, one by one, and the first fault in their order is the answer. Bad frames are
//! rare, and the price is one plain pass over them.

use stoop_model::{Bad, BadReason};

/// Deepest nesting the scanner follows.
pub(crate) const MAX_DEPTH: usize = 1024;

/// The reason why `bytes` were refused. `shift` is the number of bytes before them in the frame.
pub(crate) fn refused(bytes: &[u8], shift: usize, max_depth: usize) -> Bad {
    if bytes.iter().all(|byte| is_space(*byte)) {
        return Bad { reason: BadReason::Empty, offset: None };
    }
    // Encoding comes first: the rest of the scan assumes it.
    let (reason, at) = match std::str::from_utf8(bytes) {
        Err(error) => (BadReason::InvalidUtf8, Some(error.valid_up_to())),
        Ok(text) => match (Scan { text, at: 0, depth: 0, objects: [0; MAX_DEPTH / 64], max_depth }).run() {
            Err(fault) => (fault.reason, Some(fault.at)),
            // Both parsers follow one grammar; should they ever disagree, the frame stays refused.
            Ok(()) => (BadReason::Syntax, None),
        },
    };
    Bad { reason, offset: at.map(|at| (at + shift) as u32) }
}

struct Fault {
    reason: BadReason,
    at: usize,
}

/// What may come next, white space aside.
#[derive(Clone, Copy)]
enum Next {
    Value,
    ValueOrEnd,
    Name,
    NameOrEnd,
    Colon,
    CommaOrEnd,
    Nothing,
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// One bit for each open container: whether it is an object.
    // Bits and no recursion: a frame of 10 MB of brackets must not overflow the stack.
    objects: [u64; MAX_DEPTH / 64],
    max_depth: usize,
}

impl Scan<'_> {
    fn run(&mut self) -> Result<(), Fault> {
        let mut next = Next::Value;
        loop {
            while self.peek().is_some_and(is_space) {
                self.at += 1;
            }
            let byte = match (self.peek(), next) {
                (None, Next::Nothing) => return Ok(()),
                (None, _) => return Err(self.fault(BadReason::Syntax)),
                (Some(byte), _) => byte,
            };
            next = match (next, byte) {
                (Next::Value | Next::ValueOrEnd, b'{') => {
                    self.open(true)?;
                    Next::NameOrEnd
                }
                (Next::Value | Next::ValueOrEnd, b'[') => {
                    self.open(false)?;
                    Next::ValueOrEnd
                }
                (Next::NameOrEnd, b'}') | (Next::ValueOrEnd, b']') => self.close(),
                (Next::CommaOrEnd, b'}' | b']') if (byte == b'}') == self.in_object() => self.close(),
                (Next::CommaOrEnd, b',') => {
                    self.at += 1;
                    if self.in_object() { Next::Name } else { Next::Value }
                }
                (Next::Name | Next::NameOrEnd, b'"') => {
                    self.string()?;
                    Next::Colon
                }
                (Next::Colon, b':') => {
                    self.at += 1;
                    Next::Value
                }
                (Next::Value | Next::ValueOrEnd, _) => {
                    self.scalar(byte)?;
                    self.after_value()
                }
                (_, _) => return Err(self.fault(BadReason::Syntax)),
            };
        }
    }

    fn open(&mut self, object: bool) -> Result<(), Fault> {
        if self.depth >= self.max_depth {
            return Err(self.fault(BadReason::TooDeep));
        }
        // Bits and not a stack: nothing is allocated, whatever the nesting of a frame.
        let (word, bit) = (self.depth / 64, 1 << (self.depth % 64));
        if let Some(word) = self.objects.get_mut(word) {
            *word = if object { *word | bit } else { *word & !bit };
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    fn close(&mut self) -> Next {
        self.depth -= 1;
        self.at += 1;
        self.after_value()
    }

    fn in_object(&self) -> bool {
        let inner = self.depth.wrapping_sub(1);
        self.objects.get(inner / 64).is_some_and(|word| word & (1 << (inner % 64)) != 0)
    }

    fn after_value(&self) -> Next {
        if self.depth == 0 { Next::Nothing } else { Next::CommaOrEnd }
    }

    fn scalar(&mut self, byte: u8) -> Result<(), Fault> {
        match byte {
            b'"' => self.string(),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            b'-' | b'0'..=b'9' => self.number(),
            _ => Err(self.fault(BadReason::Syntax)),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), Fault> {
        for byte in word.bytes() {
            self.expect(|found| found == byte)?;
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), Fault> {
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                None | Some(0..=0x1F) => return Err(self.fault(BadReason::Syntax)),
                Some(_) => self.at += 1,
            }
        }
    }

    /// An escape. A fault in it is reported at its backslash, unless the frame ends in it.
    fn escape(&mut self) -> Result<(), Fault> {
        let start = self.at;
        self.at += 1;
        let Some(letter) = self.peek() else { return Err(self.fault(BadReason::Syntax)) };
        self.at += 1;
        let valid = match letter {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => true,
            b'u' => self.character(),
            _ => false,
        };
        if valid { Ok(()) } else { Err(Fault { reason: BadReason::InvalidEscape, at: start }) }
    }

    /// What follows `\u`: four digits that name a character, or half a surrogate pair and its other half.
    fn character(&mut self) -> bool {
        match self.hex() {
            None | Some(0xDC00..=0xDFFF) => false,
            Some(0xD800..=0xDBFF) => {
                let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
                let escaped = rest.starts_with(b"\\u");
                self.at += 2;
                escaped && self.hex().is_some_and(|low| (0xDC00..=0xDFFF).contains(&low))
            }
            Some(_) => true,
        }
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4)?;
        self.at += 4;
        digits.iter().try_fold(0, |code, digit| Some(code * 16 + char::from(*digit).to_digit(16)?))
    }

    fn number(&mut self) -> Result<(), Fault> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        let number = self.text.get(start..self.at).unwrap_or_default();
        // An integer beyond 64 bits is read as a double.
        if number.parse::<f64>().is_ok_and(f64::is_finite) {
            Ok(())
        } else {
            Err(Fault { reason: BadReason::NumberRange, at: start })
        }
    }

    fn digits(&mut self) -> Result<(), Fault> {
        self.expect(|byte| byte.is_ascii_digit())?;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn expect(&mut self, wanted: impl Fn(u8) -> bool) -> Result<(), Fault> {
        if self.peek().is_some_and(wanted) {
            self.at += 1;
            return Ok(());
        }
        Err(self.fault(BadReason::Syntax))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn fault(&self, reason: BadReason) -> Fault {
        Fault { reason, at: self.at }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}
