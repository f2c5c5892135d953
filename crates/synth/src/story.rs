//! What a post says, and what the vendor will detect in it.

use super::assets::{EXCHANGES, MARKETS, Market, QUESTIONS, Question, Token};
use super::cast::{Account, Beat};
use crate::dice::Dice;

/// The words of a post and what they are about.
#[derive(Debug, Clone, Default)]
pub(super) struct Story {
    pub(super) text: String,
    /// Tokens named in the text, by index.
    pub(super) tokens: Vec<usize>,
    /// Markets, with their exchange.
    pub(super) markets: Vec<(&'static str, Market)>,
    pub(super) questions: Vec<Question>,
    pub(super) urls: Vec<Url>,
    /// Accounts mentioned, by index.
    pub(super) mentions: Vec<usize>,
    pub(super) media: usize,
    /// What can be read in the pictures, and the token it names.
    pub(super) ocr: Option<(String, Option<usize>)>,
}

/// A link as the feed lists it.
#[derive(Debug, Clone)]
pub(super) struct Url {
    pub(super) expanded: String,
    pub(super) name: String,
    /// The short form that stands in the text.
    pub(super) tco: String,
}

const EXCHANGE: &[&str] = &[
    "{ex} will list {t} ({name}). Trading opens at {n}:00 UTC, deposits are open now. {page}",
    "{ex} lists {t}! New spot pair with zero maker fees until Friday.\n\nSeed tag applied. {page}",
    "Update: the listing of {t} on {ex} has been postponed until further notice.",
    "{ex} will delist {t} and {u} after review. Withdrawals stay open for {n} days. {page}",
    "New perpetual live: {m}USDT with up to {n}x leverage.",
    "Wallet maintenance for {m} at {n}:00 UTC. Trading is not affected.",
    "Deposits and withdrawals of {m} have been resumed. Thank you for your patience {at}",
];
const FOUNDER: &[&str] = &[
    "gm. Nothing to announce today, {n} commits instead.",
    "We just shipped v{n} of the thing. Docs: {page}",
    "Honestly ${m} is the only chart I look at before breakfast",
    "much wow, very doge. The people's coin lives",
    "Thinking about what {at} said: fees should be boring, blocks should be boring, only memes should be loud.",
    "Mainnet launch of {t} is on {n} June. Contract {ca} — do not trust any other.",
    "Hiring {n} engineers who like reading other people's \"temporary\" code.",
];
const NEWS: &[&str] = &[
    "BREAKING: synthetic inflation comes in at {n}.1 %, above the made-up consensus",
    "JUST IN: ${m} ETF inflows reach ${n}00 million in one day, says {at}. {page}",
    "{q} Odds moved to {n} % after the speech. {page}",
    "*SYNTHETIC CENTRAL BANK HOLDS RATES, SEES {n} CUTS THIS YEAR",
    "{ex} says it is investigating reports of an outage affecting {m} markets",
    "Exclusive: talks between two companies that do not exist are in an advanced stage, {n} people said. {page}",
    "Whale moves {n},000 {m} to an unknown wallet, trackers show",
];
const POLITICS: &[&str] = &[
    "Our synthetic tariffs will be {n} % starting Monday. GREAT for everyone who is not real!",
    "Today I met {at}. We spoke about the budget, the border of nowhere and {n} other things.",
    "{q} The answer is YES, and it will be BEAUTIFUL.",
    "The office publishes new guidance on digital assets, effective in {n} days. {page}",
    "We are NOT banning {m}. Whoever says so is making it up, as am I.",
    "Statement on the shutdown: there is none, because there is nothing to shut. {page}",
];
const MEME: &[&str] = &[
    "New token live: {t}\nCA: {ca}\n\nLFG {link}",
    "aping {t} and {u}, sleep is for people with bodies",
    "{t} looks ready. {n}x from here or zero, nothing between. {link}",
    "who is still holding {t}? asking for {at}",
    "dev of {u} sold everything, chart is a cliff. {link}",
    "{ca}",
    "$1 to ${n}00 challenge, day {n}: all in on {t}",
    "the frog says {m} first, then {t}",
    "airdrop for {t} holders, snapshot at block {n}00000. {page}",
];
const FOREIGN: &[&str] = &[
    "速報：{ex} が {t} の上場を発表。取引開始は {n} 時から。{page}",
    "【重要】合成銀行は金利を {n} % に据え置き。市場は小動き 📉",
    "新币上线：{t}，合约 {ca} 🚀🚀",
    "{ex} 将上线 {t}（{name}），充值已开放。",
    "СРОЧНО: биржа {ex} объявила о листинге {t}. Торги начнутся в {n}:00.",
    "Рынок спит, {m} стоит на месте. Ждём решения по ставке {page}",
    "عاجل: منصة {ex} تعلن إدراج {t} اليوم عند الساعة {n}",
    "البنك المركزي الاصطناعي يبقي الفائدة عند {n} % 📊",
    "🚨🚨 {t} 🚨🚨\n\n🐸💎🙌 {link}",
    "gm ☀️ wir sind früh dran – {m} auch. Schöne Grüße an {at}",
];
const TAILS: &[&str] = &[
    "This post is generated.",
    "More in the thread below, none of it true.",
    "Read that twice before you trade it; then do not trade it.",
    "Liquidity is thin and so is the argument, but numbers are numbers.",
    "If you were waiting for a sign, this is only a string of bytes with a time stamp on it.",
    "We will update as the scheduler allows. Volumes, fees and limits on the page, which is not there either.",
];
const SHORT: &str = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789";

/// Invents what an account says.
pub(super) fn invent(dice: &mut Dice, author: usize, accounts: &[Account], tokens: &[Token]) -> Story {
    let account = &accounts[author];
    let mut story = Story::default();
    if dice.chance(30) {
        // A picture without text: only the picture says what the post is about.
        story.media = 1;
        story.ocr = Some(ocr(dice, None, tokens));
        return story;
    }
    // News desks with a name in another script mostly write in it.
    let speaks_foreign = !account.name.is_ascii() && account.beat == Beat::News;
    let template = if dice.chance(if speaks_foreign { 800 } else { 50 }) {
        dice.pick(FOREIGN)
    } else {
        dice.pick(match account.beat {
            Beat::Exchange => EXCHANGE,
            Beat::Founder => FOUNDER,
            Beat::News => NEWS,
            Beat::Politics => POLITICS,
            Beat::Meme => MEME,
        })
    };
    fill(dice, &mut story, template, accounts, tokens);
    for _ in 0..dice.draw(&[(0, 0), (350, 1), (1000, 5)]) {
        let separator = if dice.chance(300) { "\n\n" } else { " " };
        story.text.push_str(separator);
        let tail = *dice.pick(TAILS);
        story.text.push_str(tail);
    }
    if dice.chance(350) {
        story.media = dice.draw(&[(0, 1), (800, 1), (1000, 4)]) as usize;
        if dice.chance(500) {
            let shown = story.tokens.first().copied();
            story.ocr = Some(ocr(dice, shown, tokens));
        }
    }
    story
}

/// Replaces the slots of a template, and notes what they stand for.
fn fill(dice: &mut Dice, story: &mut Story, template: &str, accounts: &[Account], tokens: &[Token]) {
    let exchange = *dice.pick(EXCHANGES);
    let mut token = pick_token(dice, tokens);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        story.text.push_str(before);
        let (slot, after) = after.split_once('}').expect("slots of templates are closed");
        rest = after;
        match slot {
            "t" | "u" => {
                if slot == "u" {
                    token = pick_token(dice, tokens);
                }
                story.tokens.push(token);
                story.text.push('$');
                story.text.push_str(&tokens[token].symbol);
            }
            "name" => story.text.push_str(&tokens[token].name),
            "ca" => {
                story.tokens.push(token);
                story.text.push_str(&tokens[token].contract);
            }
            "ex" => story.text.push_str(match exchange {
                "binance" => "Binance",
                "bybit" => "Bybit",
                _ => "Hyperliquid",
            }),
            "m" => {
                let market = *dice.pick(MARKETS);
                story.markets.push((exchange, market));
                story.text.push_str(market.base);
            }
            "q" => {
                let question = *dice.pick(QUESTIONS);
                story.questions.push(question);
                story.text.push_str(question.title);
            }
            "at" => {
                let mentioned = dice.index(accounts.len());
                story.mentions.push(mentioned);
                story.text.push('@');
                story.text.push_str(&accounts[mentioned].handle);
            }
            "n" => story.text.push_str(&dice.between(2, 24).to_string()),
            "link" => link(dice, story, tokens[token].chart_url()),
            _ => {
                let page = format!("https://news.example/synthetic/{}", dice.below(1_000_000));
                link(dice, story, page);
            }
        }
    }
    story.text.push_str(rest);
    story.tokens.sort_unstable();
    story.tokens.dedup();
}

fn link(dice: &mut Dice, story: &mut Story, url: String) {
    let tco = format!("https://t.co/{}", dice.word(SHORT, 10));
    story.text.push_str(&tco);
    let bare = url.trim_start_matches("https://");
    let name = if bare.len() > 27 { format!("{}…", &bare[..27]) } else { bare.to_owned() };
    story.urls.push(Url { expanded: url, name, tco });
}

/// A token; the first ones come up more often.
fn pick_token(dice: &mut Dice, tokens: &[Token]) -> usize {
    // The smaller of two draws: low places come up more often.
    let (one, other) = (dice.index(tokens.len()), dice.index(tokens.len()));
    one.min(other)
}

fn ocr(dice: &mut Dice, shown: Option<usize>, tokens: &[Token]) -> (String, Option<usize>) {
    let token = shown.or_else(|| dice.chance(600).then(|| pick_token(dice, tokens)));
    let text = match token {
        Some(token) if dice.chance(300) => format!("CA {}", tokens[token].contract),
        Some(token) => {
            format!("ticker ${}, liquidity rising\n24h volume {}k", tokens[token].symbol, dice.below(900))
        }
        None => format!("Synthetic chart no. {}\nopen high low close", dice.below(10_000)),
    };
    (text, token)
}
