//! Configuration: `stoop.toml` and the rule files it names.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use stoop_engine::syntax::{At, Source, SyntaxError, Table};
use stoop_engine::{Bounds, ENDPOINTS, Keeping, RuleReader, RuleSet, RuleSetError, Strategy, Window};
use stoop_feed::{AddressError, Api, Endpoint, Key, KeyError};
use stoop_live::{Auth, Placement, WhenFull};
#[cfg(feature = "tape")]
use stoop_tape::{ConfigFile, TapeConfig, TapeUniverse};
use stoop_wire::Limits;

use crate::{UniverseError, UniverseFile};

const DEFAULT_URL: &str = "wss://ws.tweetstream.io/ws";
/// Time enough for a server to repeat by itself what was lost; to be earlier would only ask for the same.
const BACKFILL_DELAY: Duration = Duration::from_secs(5);
const DEFAULT_API: &str = "https://api.tweetstream.io";
/// Nobody types this by accident.
const EXPOSE: &str = "allow_plaintext_key_over_the_network";

/// Everything a run is told, but for the key. Every setting has a default; there are no rules by default.
#[derive(Clone, Debug)]
pub struct Config {
    /// Texts with rules, each with the name it has in errors.
    pub rule_sources: Vec<Source>,
    /// Where frames come from; the first copy of a frame counts.
    pub endpoints: Vec<Endpoint>,
    /// How the key is shown to it.
    pub auth: Auth,
    /// The REST interface: accounts and history.
    pub api: Api,
    /// File that holds the key; none: the host brings it.
    pub key_file: Option<PathBuf>,
    /// When to dial, ping, back off.
    pub feed: stoop_feed::Settings,
    /// How long after the feed is there again history is asked for what it has lost; none, as always without the
    /// feature `rest`: never.
    pub backfill: Option<Duration>,
    /// Bounds of the engine.
    pub bounds: Bounds,
    /// Threads; none: `one-arbiter` live, `fused` in a replay.
    pub placement: Option<Placement>,
    /// Decisions the queue holds.
    pub queue_capacity: usize,
    /// What happens when it is full.
    pub when_full: WhenFull,
    /// How long a stop may take to hand over what is held back.
    pub drain_timeout: Duration,
    /// Where what is remembered is kept over a restart; none: nowhere.
    pub store: Option<PathBuf>,
    /// Where inputs and decisions are recorded, and when a file is ended; none: nowhere.
    pub tape: Option<TapeOutput>,
    /// `[series]`: assets and rules (`rule:NAME`) with the series of prices a backtest measures them on, as written.
    pub series: Vec<(String, String)>,
    /// `[universe]`: what can be traded; none: rules that ask for it are errors.
    pub universe: Option<UniverseFile>,
    /// What is valid but has no effect, or one that somebody should know of.
    pub warnings: Vec<SyntaxError>,
}

/// Where and how to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapeOutput {
    /// The folder; made if there is none.
    pub dir: PathBuf,
    /// A file that has grown beyond so many bytes is ended, and the next one begun.
    pub max_bytes: u64,
    /// Likewise one that was begun so long ago.
    pub max_time: Duration,
    /// Each file that has ended is replayed against its own decisions, while the run goes on.
    pub parity: bool,
}

impl TapeOutput {
    /// Records to a folder, at most 256 MiB and an hour to a file.
    pub fn to(dir: PathBuf) -> Self {
        Self { dir, max_bytes: 256 << 20, max_time: Duration::from_hours(1), parity: false }
    }
}

/// Shorter tapes would be more head than tape.
const LEAST_TAPE_BYTES: u64 = 65_536;
const LEAST_TAPE_NS: i64 = 1_000_000_000;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The key file holds no key.
    #[error("{}: {source}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: KeyError,
    },
    /// Something in the configuration is not right.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// Rows of the universe are not.
    #[error(transparent)]
    Universe(#[from] UniverseError),
    /// The default endpoint cannot be used; never happens.
    #[error(transparent)]
    Endpoint(#[from] AddressError),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rule_sources: Vec::new(),
            endpoints: vec![Endpoint::new("default", DEFAULT_URL).expect("the default URL is one")],
            auth: Auth::default(),
            api: Api::new(DEFAULT_API).expect("the default URL is one"),
            key_file: None,
            feed: stoop_feed::Settings::default(),
            backfill: cfg!(feature = "rest").then_some(BACKFILL_DELAY),
            bounds: Bounds::default(),
            placement: None,
            queue_capacity: 4096,
            when_full: WhenFull::default(),
            drain_timeout: Duration::from_secs(5),
            store: None,
            tape: None,
            series: Vec::new(),
            universe: None,
            warnings: Vec::new(),
        }
    }
}

impl Config {
    /// Reads a configuration file and the rule files it names, which are relative to it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = read(path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::read(&path.display().to_string(), &text, Files::Folder(folder))
    }

    /// Reads a configuration from a text; it may hold rules but name no rule files.
    pub fn parse(name: &str, text: &str) -> Result<Self, ConfigError> {
        Self::read(name, text, Files::None)
    }

    /// Reads a configuration that a tape holds; the rule files it names are those on the tape.
    #[cfg(feature = "tape")]
    pub fn from_tape(tape: &TapeConfig) -> Result<Self, ConfigError> {
        let name = if tape.name.is_empty() { "the configuration on the tape" } else { &tape.name };
        Self::read(name, &tape.text, Files::Tape(tape))
    }

    /// It as a tape holds it: the texts it was read from, never the key. Nothing of one that was made up in code.
    #[cfg(feature = "tape")]
    pub fn to_tape(&self) -> TapeConfig {
        let file = |source: &Source| ConfigFile { name: source.name.clone(), text: source.text.clone() };
        let mut files = self.rule_sources.iter().map(file);
        let ConfigFile { name, text } = files.next().unwrap_or_default();
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let universe = self.universe.as_ref().map(UniverseFile::source);
        let universe = universe.map(|Source { name, text }| TapeUniverse::new(name.clone(), text.clone()));
        TapeConfig { version, name, text, files: files.collect(), universe }
    }

    /// Compiles the rules.
    pub fn rules(&self) -> Result<RuleSet, RuleSetError> {
        self.rules_with(Vec::new())
    }

    /// The key in the file that `[feed] key_file` names; none if it names none.
    pub fn key(&self) -> Result<Option<Key>, ConfigError> {
        let Some(path) = &self.key_file else { return Ok(None) };
        let text = read(path)?;
        let fail = |source| ConfigError::Key { path: path.clone(), source };
        Key::new(&text).map(Some).map_err(fail)
    }

    /// Compiles the rules, and puts strategies behind them.
    pub fn rules_with(&self, strategies: Vec<Box<dyn Strategy>>) -> Result<RuleSet, RuleSetError> {
        let mut reader = self.reader();
        let mut errors = Vec::new();
        for source in &self.rule_sources {
            match source.parse() {
                Ok(parsed) => reader.read(&Table::root(source, &parsed)),
                Err(error) => errors.push(error),
            }
        }
        for strategy in strategies {
            reader.strategy(strategy);
        }
        errors.extend(reader.take_errors());
        if !errors.is_empty() {
            return Err(RuleSetError::Syntax(errors));
        }
        RuleSet::new(reader)
    }

    fn read(name: &str, text: &str, files: Files<'_>) -> Result<Self, ConfigError> {
        let source = Source { name: name.to_owned(), text: text.to_owned() };
        let mut config = Self::default();
        let parsed = source.parse()?;
        let root = Table::root(&source, &parsed);
        root.only(&[
            "rules", "rule", "alias", "feed", "engine", "queue", "store", "tape", "series", "universe",
        ])?;
        let folder = if let Files::Folder(folder) = files { Some(folder) } else { None };
        for (place, at) in root.strings("rules")?.unwrap_or_default().iter().enumerate() {
            config.rule_sources.push(files.source(place, at)?);
        }
        config.feed(&root, folder)?;
        config.engine(&root)?;
        config.queue(&root)?;
        config.store(&root, folder)?;
        config.tape(&root, folder)?;
        config.series(&root)?;
        if let Some(table) = root.table("universe")? {
            table.only(&["file"])?;
            let Some(at) = table.string("file")? else {
                return Err(table.error("`[universe]` needs a `file`, such as \"universe.csv\"").into());
            };
            config.universe = Some(files.universe(&at)?);
        }
        #[cfg(feature = "tape")]
        if let (None, Files::Tape(TapeConfig { universe: Some(TapeUniverse { name, text, .. }), .. })) =
            (&config.universe, files)
        {
            // A host gave it in code.
            config.universe = Some(UniverseFile::parse(name, text)?);
        }
        drop(parsed);
        config.rule_sources.insert(0, source);
        config.check_rules()?;
        Ok(config)
    }

    /// A reader of rules that knows the universe.
    fn reader(&self) -> RuleReader {
        let mut reader = RuleReader::default();
        reader.universe(self.universe.as_ref().map(|file| Arc::clone(file.universe())));
        reader
    }

    fn tape(&mut self, root: &Table<'_>, folder: Option<&Path>) -> Result<(), ConfigError> {
        let Some(table) = root.table("tape")? else { return Ok(()) };
        table.only(&["dir", "max_bytes", "max_time", "parity"])?;
        let Some(at) = table.string("dir")?.filter(|at| !at.value.is_empty()) else { return Ok(()) };
        needs("tape", cfg!(feature = "tape"), &at)?;
        let mut tape = TapeOutput::to(folder.unwrap_or(Path::new("")).join(at.value));
        if let Some(at) = table.count("max_bytes")? {
            if at.value < LEAST_TAPE_BYTES {
                return Err(at.error(format!("`max_bytes` is at least {LEAST_TAPE_BYTES}")).into());
            }
            tape.max_bytes = at.value;
        }
        if let Some(at) = table.duration("max_time")? {
            if at.value < LEAST_TAPE_NS {
                return Err(at.error("`max_time` is at least one second").into());
            }
            tape.max_time = Duration::from_nanos(at.value.unsigned_abs());
        }
        tape.parity = table.bool("parity")?.unwrap_or(false);
        self.tape = Some(tape);
        Ok(())
    }

    fn store(&mut self, root: &Table<'_>, folder: Option<&Path>) -> Result<(), ConfigError> {
        let Some(table) = root.table("store")? else { return Ok(()) };
        table.only(&["path"])?;
        if let Some(at) = table.string("path")?.filter(|at| !at.value.is_empty()) {
            needs("store", cfg!(feature = "store"), &at)?;
            self.store = Some(folder.unwrap_or(Path::new("")).join(at.value));
        }
        Ok(())
    }

    /// `[series]`: a backtest asks for it, nothing else does.
    fn series(&mut self, root: &Table<'_>) -> Result<(), ConfigError> {
        let Some(table) = root.table("series")? else { return Ok(()) };
        for (key, at) in table.entries() {
            if !key.contains(':') && !key.starts_with('$') {
                let what = format!(
                    "`{key}` is neither a rule nor an asset: write \"rule:NAME\", \"binance:DOGEUSDT\", \"$TICKER\", \
                     or an asset as decision ids have it, such as \"token:solana:9xQe…\""
                );
                return Err(at.error(what).into());
            }
            match at.value.as_str() {
                Some(series) if !series.is_empty() => self.series.push((key.to_owned(), series.to_owned())),
                Some(_) | None => {
                    return Err(at
                        .error("a series is the name of its files up to the first `-`, in quotes")
                        .into());
                }
            }
        }
        Ok(())
    }

    fn feed(&mut self, root: &Table<'_>, folder: Option<&Path>) -> Result<(), ConfigError> {
        let Some(table) = root.table("feed")? else { return Ok(()) };
        table.only(&[
            "url",
            "endpoint",
            "auth",
            "api",
            EXPOSE,
            "key_file",
            "connect_timeout",
            "ping_interval",
            "pong_timeout",
            "backoff_base",
            "backoff_cap",
            "stable_after",
            "slow_lane",
            "backfill",
            "backfill_delay",
            "max_frame",
        ])?;
        let may_expose = table.bool(EXPOSE)?.unwrap_or_default();
        if let Some(at) = table.string("url")? {
            self.endpoints = vec![endpoint("default", &at, may_expose)?];
        }
        self.several(&table, may_expose)?;
        let ways = [("subprotocol", Auth::Subprotocol), ("bearer", Auth::Bearer), ("query", Auth::Query)];
        self.auth = table.choice("auth", &ways)?.unwrap_or_default();
        if let Some(at) = table.string("api")? {
            needs("rest", cfg!(feature = "rest"), &at)?;
            let api = if may_expose { Api::with_plaintext_key(at.value) } else { Api::new(at.value) };
            self.api = api.map_err(|error| at.error(error.to_string()))?;
        }
        self.warn_of_exposure(&table, may_expose);
        if let Some(at) = table.string("key_file")?.filter(|at| !at.value.is_empty()) {
            self.key_file = Some(folder.unwrap_or(Path::new("")).join(at.value));
        }
        let feed = &mut self.feed;
        for (key, setting) in [
            ("connect_timeout", &mut feed.connect_timeout),
            ("ping_interval", &mut feed.ping_interval),
            ("pong_timeout", &mut feed.pong_timeout),
            ("backoff_base", &mut feed.backoff_base),
            ("backoff_cap", &mut feed.backoff_cap),
            ("stable_after", &mut feed.stable_after),
        ] {
            if let Some(at) = table.duration(key)? {
                *setting = Duration::from_nanos(at.value.unsigned_abs());
            }
        }
        if let Some(list) = table.strings("slow_lane")? {
            let bounds: Vec<i64> =
                list.iter().filter_map(|at| stoop_engine::syntax::parse_duration(at.value)).collect();
            let [from, to] = bounds[..] else {
                return Err(table
                    .error("`slow_lane` takes two durations, such as [\"60s\", \"180s\"]")
                    .into());
            };
            feed.slow_lane = [from, to].map(|nanos| Duration::from_nanos(nanos.unsigned_abs()));
        }
        self.feed.validate().map_err(|error| table.error(error.to_string()))?;
        if let Some(at) = table.duration("backfill_delay")? {
            needs("rest", cfg!(feature = "rest"), &at)?;
            self.backfill = Some(Duration::from_nanos(at.value.unsigned_abs()));
        }
        match table.bool("backfill")? {
            Some(false) => self.backfill = None,
            Some(true) => {
                if let Some(at) = table.get("backfill") {
                    needs("rest", cfg!(feature = "rest"), &at)?;
                }
            }
            None => {}
        }
        if let Some(at) = table.count("max_frame")? {
            if !(1..=16 << 20).contains(&at.value) {
                return Err(at
                    .error("`max_frame` is at most 16777216 bytes, the longest message of the socket")
                    .into());
            }
            self.bounds.limits = Limits { max_frame: at.value as usize, ..self.bounds.limits };
        }
        Ok(())
    }

    /// The setting is on: says what it does to this configuration, also if that is nothing.
    fn warn_of_exposure(&mut self, table: &Table<'_>, may_expose: bool) {
        let Some(at) = table.get(EXPOSE).filter(|_| may_expose) else { return };
        let exposed = self.endpoints.iter().filter(|endpoint| endpoint.is_exposed()).map(Endpoint::shown);
        let mut exposed: Vec<String> = exposed.collect();
        exposed.extend(self.api.is_exposed().then(|| self.api.as_str().to_owned()));
        let what = if exposed.is_empty() {
            format!("`{EXPOSE}` is on and no URL needs it: take it out")
        } else {
            format!("`{EXPOSE}` is on: everyone on the way to {} can read the API key", exposed.join(", "))
        };
        self.warnings.push(at.error(what));
    }

    /// `[[feed.endpoint]]`: they stand in place of `url`.
    fn several(&mut self, table: &Table<'_>, may_expose: bool) -> Result<(), ConfigError> {
        let list = table.tables("endpoint")?;
        let Some(first) = list.first() else { return Ok(()) };
        if let Some(at) = table.string("url")? {
            return Err(at.error("either `url` or `[[feed.endpoint]]`, not both").into());
        }
        if list.len() > ENDPOINTS {
            return Err(first
                .error(format!("at most {ENDPOINTS} endpoints, these are {}", list.len()))
                .into());
        }
        let mut endpoints: Vec<Endpoint> = Vec::with_capacity(list.len());
        for one in list {
            one.only(&["name", "url"])?;
            let Some(url) = one.string("url")? else {
                return Err(one.error("an endpoint needs a `url`").into());
            };
            let name = match one.string("name")? {
                Some(at) if at.value.trim().is_empty() => {
                    return Err(at
                        .error("an endpoint's `name` is a text of at least one visible character")
                        .into());
                }
                Some(at) if endpoints.iter().any(|known| known.name == at.value) => {
                    return Err(at.error(format!("an endpoint named \"{}\" stands above", at.value)).into());
                }
                Some(at) => at.value.to_owned(),
                None => format!("endpoint-{}", endpoints.len() + 1),
            };
            endpoints.push(endpoint(&name, &url, may_expose)?);
        }
        self.endpoints = endpoints;
        Ok(())
    }

    fn engine(&mut self, root: &Table<'_>) -> Result<(), ConfigError> {
        let Some(table) = root.table("engine")? else { return Ok(()) };
        table.only(&["placement", "window", "window_tweets", "keep_open"])?;
        let placements = [
            ("fused", Placement::Fused),
            ("one-arbiter", Placement::OneArbiter),
            ("per-actor", Placement::PerActor),
        ];
        self.placement = table.choice("placement", &placements)?;
        let mut window = Window::default();
        let mut keeping = Keeping::default();
        if let Some(at) = table.duration("window")? {
            if at.value == 0 {
                return Err(at.error("`window` must be longer than nothing").into());
            }
            window.span_ns = at.value;
        }
        if let Some(at) = table.count("window_tweets")? {
            if !(1..=16_777_216).contains(&at.value) {
                return Err(at.error("`window_tweets` is from 1 to 16777216").into());
            }
            window.tweets = at.value as usize;
            keeping.tweets = at.value as usize;
        }
        if let Some(at) = table.duration("keep_open")? {
            keeping.open_ns = at.value;
        }
        self.bounds.window = window;
        self.bounds.keeping = keeping;
        Ok(())
    }

    fn queue(&mut self, root: &Table<'_>) -> Result<(), ConfigError> {
        let Some(table) = root.table("queue")? else { return Ok(()) };
        table.only(&["capacity", "when_full", "drain_timeout"])?;
        if let Some(at) = table.count("capacity")? {
            if !(1..=1_048_576).contains(&at.value) {
                return Err(at.error("`capacity` is from 1 to 1048576").into());
            }
            self.queue_capacity = at.value as usize;
        }
        let ways = [("hold", WhenFull::Hold), ("drop_newest", WhenFull::DropNewest)];
        self.when_full = table.choice("when_full", &ways)?.unwrap_or_default();
        if let Some(at) = table.duration("drain_timeout")? {
            self.drain_timeout = Duration::from_nanos(at.value.unsigned_abs());
        }
        Ok(())
    }

    /// Rule files hold rules only, and no rule waits longer than its tweet is remembered.
    fn check_rules(&mut self) -> Result<(), SyntaxError> {
        for source in self.rule_sources.iter().skip(1) {
            let parsed = source.parse()?;
            Table::root(source, &parsed).only(&["rule", "alias"])?;
        }
        let mut reader = self.reader();
        for source in &self.rule_sources {
            reader.read(&Table::root(source, &source.parse()?));
        }
        self.warnings.extend(reader.take_warnings());
        if let (Ok(rules), Some(source)) = (RuleSet::new(reader), self.rule_sources.first()) {
            for name in self.series.iter().filter_map(|(key, _)| key.strip_prefix("rule:")) {
                if !rules.rules().iter().any(|rule| rule.label.name == name) {
                    let what = format!("`[series]` names rule \"{name}\", which is not there");
                    self.warnings.push(source.error(0, what));
                }
            }
            if rules.longest_wait_ns() >= self.bounds.window.span_ns {
                let what =
                    "a rule waits for longer than `[engine] window`: its tweets are gone before it can open";
                self.warnings.push(source.error(0, what.to_owned()));
            }
            for rule in rules.rules().iter().filter(|rule| rule.allow_late) {
                let name = &rule.label.name;
                let what = match (self.backfill, rule.max_age_ns) {
                    (None, _) if !cfg!(feature = "rest") => {
                        "this build of stoop lacks the cargo feature `rest`"
                    }
                    (None, _) => "`[feed] backfill` is false",
                    (Some(delay), Some(age_ns)) if i128::from(age_ns) <= delay.as_nanos() as i128 => {
                        "its `max_age` is over before `[feed] backfill_delay` is"
                    }
                    (Some(_), _) => continue,
                };
                let what = format!("`allow_late` of rule \"{name}\" has no effect: {what}");
                self.warnings.push(source.error(0, what));
            }
        }
        Ok(())
    }
}

/// What a setting is for may have been left out of this build.
fn needs<T>(feature: &str, is_built: bool, at: &At<'_, T>) -> Result<(), SyntaxError> {
    if is_built {
        return Ok(());
    }
    Err(at.error(format!("this build of stoop lacks the cargo feature `{feature}`, which this needs")))
}

fn endpoint(name: &str, at: &At<'_, &str>, may_expose: bool) -> Result<Endpoint, SyntaxError> {
    let endpoint = if may_expose { Endpoint::with_plaintext_key } else { Endpoint::new };
    endpoint(name, at.value).map_err(|error| at.error(error.to_string()))
}

/// Where the files are that a configuration names.
#[derive(Clone, Copy)]
enum Files<'f> {
    /// Paths are relative to this folder.
    Folder(&'f Path),
    /// They are those on a tape, rules in the order they are named.
    #[cfg(feature = "tape")]
    Tape(&'f TapeConfig),
    /// Nowhere.
    None,
}

impl Files<'_> {
    #[cfg_attr(not(feature = "tape"), expect(unused_variables, reason = "files on a tape have places"))]
    fn source(self, place: usize, at: &At<'_, &str>) -> Result<Source, SyntaxError> {
        let folder = match self {
            Self::Folder(folder) => folder,
            #[cfg(feature = "tape")]
            Self::Tape(tape) => {
                let file =
                    tape.files.get(place).map(|ConfigFile { name, text }| (name.clone(), text.clone()));
                let (name, text) = file.ok_or_else(|| at.error("the tape does not hold this file"))?;
                return Ok(Source { name, text });
            }
            Self::None => return Err(at.error("`rules` names files, but this text has no folder")),
        };
        let path = folder.join(at.value);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Source { name: path.display().to_string(), text }),
            Err(error) => Err(at.error(format!("cannot read {}: {error}", path.display()))),
        }
    }

    /// `[universe] file`.
    fn universe(self, at: &At<'_, &str>) -> Result<UniverseFile, ConfigError> {
        let path = match self {
            Self::Folder(folder) => folder.join(at.value),
            #[cfg(feature = "tape")]
            Self::Tape(tape) => {
                let Some(TapeUniverse { name, text, .. }) = &tape.universe else {
                    return Err(at.error("the tape does not hold this file").into());
                };
                return Ok(UniverseFile::parse(name, text)?);
            }
            Self::None => {
                return Err(at.error("`[universe]` names a file, but this text has no folder").into());
            }
        };
        match UniverseFile::load(&path) {
            Err(error @ UniverseError::Read { .. }) => {
                let hint = match &error {
                    UniverseError::Read { source, .. } if source.kind() == ErrorKind::NotFound => {
                        "; `stoop init` writes a small one, `stoop universe build` a real one"
                    }
                    UniverseError::Read { .. } | UniverseError::Rows(_) => "",
                };
                Err(at.error(format!("{error}{hint}")).into())
            }
            read => Ok(read?),
        }
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })
}
