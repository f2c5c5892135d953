//! Frames made up from a seed: every operation, any members present or not, and as much nonsense as is asked for.

use std::fmt::Write as _;

/// Draws numbers; the same seed draws the same ones (`SplitMix64`).
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// Below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn permille(&mut self, permille: usize) -> bool {
        self.below(1000) < permille
    }

    fn pick<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len())]
    }
}

enum Shape {
    Text,
    Id,
    Int,
    Price,
    Choice(&'static [&'static str]),
    Object(Members),
    List(Members),
    Sources,
}
use Shape::{Choice, Id, Int, List, Object, Price, Sources, Text};

type Members = &'static [(&'static str, Shape)];

const LABEL: Members = &[("badge", Text), ("description", Text), ("url", Text)];
const AUTHOR: Members = &[
    ("id", Id),
    ("handle", Text),
    ("name", Text),
    ("platform", Choice(&["twitter", "truth_social"])),
    ("profileImage", Text),
    ("banner", Text),
    ("bio", Text),
    ("location", Text),
    ("url", Text),
    ("websiteUrl", Text),
    ("followersCount", Int),
    ("followingCount", Int),
    ("joinedAt", Int),
    ("metrics", Object(&[("likes", Int), ("tweets", Int)])),
    ("verifiedType", Choice(&["blue", "business", "government", "none"])),
    ("verifiedLabel", Object(LABEL)),
];
const MEDIA: Members = &[("url", Text), ("type", Choice(&["image", "video", "gif"])), ("thumbnail", Text)];
const CONTENT: Members = &[
    ("tweetId", Id),
    ("kind", Choice(&["post", "reply", "quote", "retweet"])),
    ("text", Text),
    ("createdAt", Int),
    ("receivedAt", Int),
    ("author", Object(AUTHOR)),
    ("link", Text),
    ("media", List(MEDIA)),
    ("mentions", List(&[("handle", Text), ("id", Id), ("name", Text)])),
    ("urls", List(&[("url", Text), ("name", Text), ("tco", Text)])),
    (
        "ref",
        Object(&[
            ("type", Choice(&["reply", "quote", "retweet"])),
            ("tweetId", Id),
            ("text", Text),
            ("author", Object(AUTHOR)),
            ("media", List(MEDIA)),
        ]),
    ),
];
const META: Members = &[
    ("tweetId", Id),
    ("ocr", Object(&[("text", Text)])),
    (
        "detected",
        Object(&[
            (
                "tokens",
                List(&[
                    ("symbol", Text),
                    ("name", Text),
                    ("contract", Text),
                    ("chain", Text),
                    ("networkId", Id),
                    ("priceUsd", Price),
                    ("sources", Sources),
                ]),
            ),
            (
                "cex",
                List(&[
                    ("exchange", Choice(&["bybit", "binance", "hyperliquid"])),
                    ("symbol", Text),
                    ("baseAsset", Text),
                    ("quoteAsset", Text),
                    ("priceUsd", Price),
                    ("url", Text),
                    ("sources", Sources),
                ]),
            ),
            (
                "prediction",
                List(&[
                    ("exchange", Choice(&["polymarket", "kalshi"])),
                    ("marketId", Id),
                    ("title", Text),
                    ("priceUsd", Price),
                    ("url", Text),
                    ("sources", Sources),
                ]),
            ),
        ]),
    ),
    ("receivedAt", Int),
];
const NOTICE: Members = &[
    ("tweetId", Id),
    ("eventId", Text),
    ("deletedAt", Int),
    ("observedAt", Int),
    ("receivedAt", Int),
    ("action", Text),
    ("author", Object(AUTHOR)),
    ("text", Text),
    ("tweet", Object(CONTENT)),
];
const CHANGES: Members = &[
    ("avatar", Text),
    ("banner", Text),
    ("bio", Text),
    ("handle", Text),
    ("location", Text),
    ("name", Text),
    ("verifiedLabel", Object(LABEL)),
    ("websiteUrl", Text),
];
const PROFILE: Members = &[
    ("kind", Choice(&["PROFILE"])),
    ("eventId", Text),
    ("observedAt", Int),
    ("receivedAt", Int),
    ("actor", Object(AUTHOR)),
    ("changes", Object(CHANGES)),
    ("previous", Object(CHANGES)),
];
const FOLLOW: Members = &[
    ("kind", Choice(&["FOLLOW", "UNFOLLOW"])),
    ("eventId", Text),
    ("observedAt", Int),
    ("receivedAt", Int),
    ("actor", Object(AUTHOR)),
    ("target", Object(AUTHOR)),
];
const RESULT: Members = &[
    ("action", Text),
    ("requestId", Text),
    ("error", Text),
    (
        "results",
        List(&[
            ("input", Text),
            ("state", Choice(&["added", "already_following", "not_found", "removed"])),
            ("handle", Text),
            ("name", Text),
            ("normalizedHandle", Text),
            ("profileImage", Text),
            ("twitterId", Id),
            ("message", Text),
        ]),
    ),
];

/// Operations with their payloads; the last three are not known.
const OPS: &[(&str, &str, Members)] = &[
    ("tweet", "content", CONTENT),
    ("tweet", "update", CONTENT),
    ("tweet", "meta", META),
    ("tweet", "delete", NOTICE),
    ("tweet", "pin", NOTICE),
    ("tweet", "unpin", NOTICE),
    ("account", "profile_update", PROFILE),
    ("account", "follow", FOLLOW),
    ("account", "unfollow", FOLLOW),
    ("account", "callout", CONTENT),
    ("control", "twitter_handles_result", RESULT),
    ("control", "auth_ping", RESULT),
    ("control", "auth_pong", RESULT),
    ("tweet", "poll", CONTENT),
    ("account", "content", CONTENT),
    ("space", "content", CONTENT),
];

const TEXTS: &[&str] = &[
    "",
    "marketdesk",
    "@MarketDesk",
    "New token live. CA: 9xQeWvG816bUx9EP...",
    r#"two\nlines\tand \"quotes\" \\ and \/"#,
    r"\u0000\u001f",
    r"half \ud83d\ude80 rocket",
    "🚀 $EDGE дождь 상장 لا",
    r"\u00e9\u4e0a\ud83d\ude80",
    r"ends with a backslash \\",
    r"\\",
    r#"\""#,
    r#"a\"b"#,
    r"上\\",
    r"\n🚀",
    r"\n\n\u00e9 上é",
    "{\\\"d\\\":{},",
    "https://pbs.twimg.com/media/sample-token-chart.jpg",
];
const IDS: &[&str] = &[
    "\"2064689031777615872\"",
    "\"18446744073709551615\"",
    "\"18446744073709551616\"",
    "\"007\"",
    "\"abc\"",
    "2064689031777615872",
    "9007199254740993",
    "18446744073709551615",
    "0",
    "\"20\"",
];
const INTS: &[&str] = &[
    "0",
    "-0",
    "1781095200123",
    "1.7e12",
    "1781095200123.0",
    "-1",
    "9223372036854775807",
    "1e3",
    "0.0",
    "-9223372036854775808",
    "12E+2",
];
const ODD_NUMBERS: &[&str] = &[
    "0.5",
    "1e19",
    "-1e300",
    "18446744073709551615",
    "9223372036854775808",
    "5e-324",
    "-0.0",
    "1.7976931348623157e308",
    "18446744073709551616",
    "-9223372036854775809",
    "123456789012345678901234567890",
];
const PRICES: &[&str] = &[
    "0.0042",
    "4.2e-3",
    "1e-12",
    "1E5",
    "123456789012345678",
    "0.1",
    "1e-30",
    "1e300",
    "-0.0",
    "5e-324",
    "0",
    "64250.5",
    "0.30000000000000004",
    "1e-28",
    "7.9228162514264337e28",
    "1e28",
    "100.0",
    "0.1234567890123456789012345678901234567890",
    "18446744073709551615",
    "123456789.123456789e-5",
    "3.0517578125e-5",
    "36893488147419103232",
    "-9223372036854775809",
    "123456789012345678901234567890",
];
const WRONG: &[&str] = &[
    "true",
    "false",
    "{}",
    "[]",
    "[1,{\"a\":null}]",
    "{\"a\":{\"b\":[]}}",
    "12",
    "-3.5",
    "\"text\"",
    "\"\"",
];
const ODD: &[&str] = &[
    "1e400",
    "123456789012345678901234567890",
    "-9223372036854775809",
    "01",
    "1.",
    ".5",
    "+1",
    "tru",
    "nulll",
    "NaN",
    "\"\\ud800\"",
    "\"\\udc00\"",
    "\"\\ud800\\u0041\"",
    "\"\\u12g4\"",
    "\"\\x\"",
    "\"\u{1}\"",
    "",
];

/// Writes one frame. `odd` is how many in a thousand values, names and gaps are not as the protocol has them.
pub(crate) fn frame(draw: &mut Draw, odd: usize) -> String {
    let mut writer = Writer { draw, odd, out: String::new() };
    if writer.draw.permille(odd) {
        writer.out.push('\u{feff}');
    }
    if writer.draw.permille(30 + odd) {
        writer.out.push('[');
        let count = writer.draw.below(4);
        for at in 0..count {
            if at > 0 {
                writer.out.push(',');
            }
            if writer.odd() { writer.odd_value() } else { writer.element() }
        }
        writer.out.push(']');
    } else {
        writer.element();
    }
    writer.space();
    writer.out
}

/// Bytes that break things.
const JUNK: &[u8] = b"\"{}[],:\\u0 \n\0\x1f\x0c\x80\xff\xc3e.-";

/// Changes `bytes` in one to four places.
pub(crate) fn mutate(draw: &mut Draw, bytes: &mut Vec<u8>) {
    for _ in 0..=draw.below(4) {
        let at = draw.below(bytes.len() + 1);
        let end = (at + draw.below(12)).min(bytes.len());
        match draw.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << draw.below(8),
            1 => bytes.truncate(at),
            2 => bytes.insert(at, JUNK[draw.below(JUNK.len())]),
            3 => {
                let chunk = bytes[at..end].to_vec();
                let to = draw.below(bytes.len() + 1);
                bytes.splice(to..to, chunk);
            }
            4 => {
                bytes.drain(at..end);
            }
            _ if at < bytes.len() => bytes[at] = draw.below(256) as u8,
            _ => {}
        }
    }
}

struct Writer<'a> {
    draw: &'a mut Draw,
    odd: usize,
    out: String,
}

impl Writer<'_> {
    fn odd(&mut self) -> bool {
        self.draw.permille(self.odd)
    }

    fn space(&mut self) {
        if self.odd() {
            let space = self.draw.pick(&[" ", "\n", "\t ", "\r\n"]);
            self.out.push_str(space);
        }
    }

    fn element(&mut self) {
        let (family, op, payload) = &OPS[self.draw.below(OPS.len())];
        let mut members = vec!["v", "t", "op", "id", "ts", "d"];
        if self.draw.permille(100) {
            let (a, b) = (self.draw.below(6), self.draw.below(6));
            members.swap(a, b);
        }
        if self.odd() {
            members.remove(self.draw.below(6));
        }
        if self.odd() {
            members.push(["v", "t", "op", "id", "ts", "d", "zone", "zone"][self.draw.below(8)]);
        }
        self.out.push('{');
        for (at, name) in members.into_iter().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            self.name(name);
            match name {
                _ if self.odd() => self.odd_value(),
                "v" => self.out.push('1'),
                "t" => write!(self.out, "\"{family}\"").expect("a string grows"),
                "op" => write!(self.out, "\"{op}\"").expect("a string grows"),
                "id" => self.value(&Id),
                "ts" => self.value(&Int),
                _ => self.object(payload),
            }
        }
        self.space();
        self.out.push('}');
    }

    fn object(&mut self, shape: Members) {
        let keep = [300, 700, 1000][self.draw.below(3)];
        let mut members: Vec<_> =
            shape.iter().filter(|(name, _)| *name == "tweetId" || self.draw.permille(keep)).collect();
        if self.draw.permille(200) && members.len() > 1 {
            for at in 0..members.len() {
                let other = self.draw.below(members.len());
                members.swap(at, other);
            }
        }
        self.out.push('{');
        let mut first = true;
        for (name, shape) in members {
            let copies = if self.draw.permille(self.odd / 4) { 2 } else { 1 };
            for _ in 0..copies {
                self.comma(&mut first);
                self.name(name);
                if self.odd() { self.odd_value() } else { self.value(shape) }
            }
            if self.odd() {
                self.comma(&mut first);
                let name = self.draw.pick(&[
                    "zone",
                    "extra",
                    "tweetid",
                    "Text",
                    "d",
                    "",
                    "receivedAt",
                    "x-1",
                    "x-2",
                ]);
                self.name(name);
                self.odd_value();
            }
        }
        self.space();
        self.out.push('}');
    }

    fn comma(&mut self, first: &mut bool) {
        if !*first {
            self.out.push(',');
            self.space();
        }
        *first = false;
    }

    fn name(&mut self, name: &str) {
        self.space();
        self.out.push('"');
        let escaped = if self.odd() { self.draw.below(name.len() + 1) } else { name.len() };
        for (at, letter) in name.chars().enumerate() {
            if at == escaped {
                write!(self.out, "\\u{:04x}", u32::from(letter)).expect("a string grows");
            } else {
                self.out.push(letter);
            }
        }
        self.out.push('"');
        self.space();
        self.out.push(':');
        self.space();
    }

    fn value(&mut self, shape: &Shape) {
        match shape {
            Text => {
                let text = self.draw.pick(TEXTS);
                write!(self.out, "\"{text}\"").expect("a string grows");
            }
            Id => {
                let id = self.draw.pick(IDS);
                self.out.push_str(id);
            }
            Int => {
                let number = self.draw.pick(INTS);
                self.out.push_str(number);
            }
            Price => {
                let number = self.draw.pick(PRICES);
                self.out.push_str(number);
            }
            Choice(known) => {
                let text = if self.odd() { "other" } else { self.draw.pick(known) };
                write!(self.out, "\"{text}\"").expect("a string grows");
            }
            Object(members) => self.object(members),
            List(members) => {
                self.out.push('[');
                for at in 0..self.draw.below(4) {
                    if at > 0 {
                        self.out.push(',');
                    }
                    if self.odd() { self.odd_value() } else { self.object(members) }
                }
                self.out.push(']');
            }
            Sources => {
                let list = self.draw.pick(&[
                    "[]",
                    "[\"text\"]",
                    "[\"text\",\"ocr\"]",
                    "[\"\",\"ocr\"]",
                    "[\"link\",\"te\\u0078t\"]",
                    "[\"ocr\",3,null]",
                ]);
                self.out.push_str(list);
            }
        }
    }

    fn odd_value(&mut self) {
        let value = match self.draw.below(20) {
            0 => self.draw.pick(ODD),
            1..=5 => "null",
            6..=9 => self.draw.pick(ODD_NUMBERS),
            _ => self.draw.pick(WRONG),
        };
        self.out.push_str(value);
    }
}
