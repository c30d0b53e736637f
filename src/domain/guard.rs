//! How often somebody may try (R-9 … R-14, E.3): the buckets in which attempts are counted, and when the next is let in.
//!
//! An attempt that is refused does not count, so that no limit lasts longer than its time, however often somebody knocks
//! meanwhile. Nothing here knows where counts are kept. Start at [`Attempts::wait`].

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use super::ids::{Timestamp, UserId};
use super::networks;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// The time in which some guesses at an account are free (E.3).
const FREE_TIME: i64 = 15 * MINUTE;
/// The pause after the last free guess; each further one doubles it (E.3).
const PAUSE_FIRST: i64 = 5 * SECOND;
/// The longest pause (E.3).
const PAUSE_MAX: i64 = 900 * SECOND;
/// Guesses beyond the free ones after which the pause is the longest.
const STEPS: usize = 8;

/// What attempts are counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// Guesses at one account by clients of which nothing is known.
    Account,
    /// Guesses by one known device of an account.
    Device,
    /// Guesses from an IPv4 address, or an IPv6 network of 64 bits.
    Address,
    /// Guesses from an IPv4 network of 24 bits, or an IPv6 network of 48.
    Network,
    /// Registrations from an address.
    Register,
    /// Links for a new password, mailed to one account.
    PasswordReset,
    /// Links for a new username, mailed to one account.
    UsernameReset,
    /// Links of an activation, mailed to one account once more.
    Activation,
    /// Links of all three kinds, asked for from an address.
    MailAddress,
    /// Uses of the refresh tokens of one session.
    Refresh,
    /// Credentials that nobody has, shown from an address where services and proxies ask.
    Secret,
}

impl Bucket {
    /// All of them.
    pub const ALL: [Bucket; 11] = [
        Bucket::Account,
        Bucket::Device,
        Bucket::Address,
        Bucket::Network,
        Bucket::Register,
        Bucket::PasswordReset,
        Bucket::UsernameReset,
        Bucket::Activation,
        Bucket::MailAddress,
        Bucket::Refresh,
        Bucket::Secret,
    ];

    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Bucket::Account => "account",
            Bucket::Device => "device",
            Bucket::Address => "address",
            Bucket::Network => "network",
            Bucket::Register => "register",
            Bucket::PasswordReset => "password_reset",
            Bucket::UsernameReset => "username_reset",
            Bucket::Activation => "activation",
            Bucket::MailAddress => "mail_address",
            Bucket::Refresh => "refresh",
            Bucket::Secret => "secret",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|bucket| bucket.as_str() == text)
    }

    /// Whether its subjects are addresses.
    pub fn is_of_addresses(self) -> bool {
        matches!(self, Bucket::Address | Bucket::Network | Bucket::Register | Bucket::MailAddress | Bucket::Secret)
    }
}

/// One bucket of one subject: an account, a device, an address …
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// What is counted.
    pub bucket: Bucket,
    /// For whom.
    pub subject: String,
}

/// How often is too often; 0 is never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Guesses at an account before pauses begin, in 15 minutes.
    pub account_free: u32,
    /// Guesses at an account in 24 hours.
    pub account_per_day: u32,
    /// Guesses of a known device in 15 minutes, before it is known no more.
    pub device: u32,
    /// Guesses from an address in 10 minutes.
    pub address: u32,
    /// Guesses from a network in an hour.
    pub network: u32,
    /// Registrations from an address in an hour.
    pub register: u32,
    /// Mails of one kind to an account in a minute.
    pub mail_per_minute: u32,
    /// Mails of one kind to an account in an hour.
    pub mail_per_hour: u32,
    /// Mails asked for from an address in an hour.
    pub mail_per_address: u32,
    /// Refreshes of a session in a minute.
    pub refresh: u32,
    /// Credentials that nobody has, from an address in 10 minutes.
    pub secrets: u32,
}

impl Limits {
    /// Most attempts in a time, in microseconds; those that are switched off are left out.
    fn windows(&self, bucket: Bucket) -> Vec<(usize, i64)> {
        let windows = match bucket {
            Bucket::Account => vec![(self.account_per_day, DAY)],
            Bucket::Device => vec![(self.device, FREE_TIME)],
            Bucket::Address => vec![(self.address, 10 * MINUTE)],
            Bucket::Network => vec![(self.network, HOUR)],
            Bucket::Register => vec![(self.register, HOUR)],
            Bucket::PasswordReset | Bucket::UsernameReset | Bucket::Activation => {
                vec![(self.mail_per_minute, MINUTE), (self.mail_per_hour, HOUR)]
            }
            Bucket::MailAddress => vec![(self.mail_per_address, HOUR)],
            Bucket::Refresh => vec![(self.refresh, MINUTE)],
            Bucket::Secret => vec![(self.secrets, 10 * MINUTE)],
        };
        windows.into_iter().filter(|(most, _)| *most > 0).map(|(most, length)| (most as usize, length)).collect()
    }

    /// Whether nothing is counted in this bucket.
    pub fn is_off(&self, bucket: Bucket) -> bool {
        self.windows(bucket).is_empty() && !self.pauses(bucket)
    }

    fn pauses(&self, bucket: Bucket) -> bool {
        bucket == Bucket::Account && self.account_free > 0
    }

    /// How long an attempt matters.
    fn memory(&self, bucket: Bucket) -> i64 {
        let longest = self.windows(bucket).into_iter().map(|(_, length)| length).max().unwrap_or(0);
        if self.pauses(bucket) { DAY } else { longest }
    }

    /// Attempts that need be remembered.
    fn most(&self, bucket: Bucket) -> usize {
        let most = self.windows(bucket).into_iter().map(|(most, _)| most).max().unwrap_or(0);
        if self.pauses(bucket) { most.max(self.account_free as usize + STEPS + 1) } else { most }
    }

    /// The pause after so many guesses in a row.
    fn pause(&self, guesses: usize) -> i64 {
        match guesses.checked_sub(self.account_free as usize) {
            Some(more) => PAUSE_MAX.min(PAUSE_FIRST << more.min(STEPS)),
            None => 0,
        }
    }
}

/// The attempts that count in one bucket, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attempts {
    /// In microseconds since 1970.
    times: Vec<i64>,
    /// Until when a device that lost trust is not known.
    pub closed_until: Option<Timestamp>,
}

impl Attempts {
    /// Out of what is stored.
    pub fn from_stored(times: Vec<i64>, closed_until: Option<Timestamp>) -> Self {
        Self { times, closed_until }
    }

    /// In microseconds since 1970, as they are stored.
    pub fn times(&self) -> &[i64] {
        &self.times
    }

    /// The newest.
    pub fn last(&self) -> Option<Timestamp> {
        self.times.last().and_then(|micros| Timestamp::from_timestamp_micros(*micros))
    }

    /// Forgets what is over. Says whether the clock was put back: what lies ahead then counts as of now, and must be
    /// stored so, or it would count for longer than its time.
    pub fn settle(&mut self, bucket: Bucket, limits: &Limits, now: Timestamp) -> bool {
        let now = now.timestamp_micros();
        let ahead = self.times.iter().any(|time| *time > now);
        self.times.iter_mut().for_each(|time| *time = (*time).min(now));
        let since = now - limits.memory(bucket);
        self.times.retain(|time| *time > since);
        ahead
    }

    /// How long until the next attempt is let in; nothing if it is now. Is to be settled before.
    pub fn wait(&self, bucket: Bucket, limits: &Limits, now: Timestamp) -> Option<std::time::Duration> {
        let now = now.timestamp_micros();
        let of_window = |(most, length): (usize, i64)| {
            let decides = self.times.len().checked_sub(most).and_then(|at| self.times.get(at));
            decides.map_or(0, |time| time + length - now)
        };
        let windows = limits.windows(bucket).into_iter().map(of_window).max().unwrap_or(0);
        let pause = if limits.pauses(bucket) { self.paused_until(limits, now) - now } else { 0 };
        let wait = windows.max(pause);
        (wait > 0).then(|| std::time::Duration::from_micros(wait.unsigned_abs()))
    }

    /// When the pause after the last guess is over. Guesses are in a row until nobody guesses for a quarter of an hour, or
    /// twice the pause where that is longer: who waits out the longest pause gets one more guess and not five.
    fn paused_until(&self, limits: &Limits, now: i64) -> i64 {
        let ends = |row: usize| FREE_TIME.max(2 * limits.pause(row));
        let (mut row, mut last) = (0, i64::MIN);
        for time in &self.times {
            if row > 0 && time - last >= ends(row) {
                row = 0;
            }
            (row, last) = (row + 1, *time);
        }
        if row == 0 || now - last >= ends(row) { now } else { last + limits.pause(row) }
    }

    /// Counts one at `now`; gives the time by which it can be taken back.
    pub fn count(&mut self, bucket: Bucket, limits: &Limits, now: Timestamp) -> i64 {
        let now = now.timestamp_micros();
        self.times.push(now);
        let surplus = self.times.len().saturating_sub(limits.most(bucket).max(1));
        self.times.drain(..surplus);
        now
    }

    /// Takes one back that turned out to be no guess; the newest, if the clock was put back meanwhile.
    pub fn take_back(&mut self, counted: i64) {
        match self.times.iter().rposition(|time| *time == counted) {
            Some(at) => drop(self.times.remove(at)),
            None => drop(self.times.pop()),
        }
    }

    /// From when on nothing of this matters any more.
    pub fn expires_at(&self, bucket: Bucket, limits: &Limits) -> Timestamp {
        let last = self.times.last().copied().unwrap_or(0);
        let over = Timestamp::from_timestamp_micros(last.saturating_add(limits.memory(bucket))).unwrap_or_default();
        self.closed_until.map_or(over, |closed| closed.max(over))
    }
}

/// What is known of the attempts in one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// Which bucket, of whom.
    pub key: Key,
    /// The account that it is about, where there is one.
    pub user: Option<UserId>,
    /// From where somebody tried last.
    pub address: Option<IpAddr>,
    /// The attempts.
    pub attempts: Attempts,
    /// From when on nothing of this matters any more.
    pub expires_at: Timestamp,
}

/// The household of an address, as it is written into counts.
pub fn household(address: IpAddr) -> String {
    written(networks::household(address))
}

/// The site of an address, as it is written into counts.
pub fn network(address: IpAddr) -> String {
    written(networks::site(address))
}

fn written(network: IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() { network.addr().to_string() } else { network.to_string() }
}

/// A device credential: says that somebody has signed in to an account from this device before, and gives nothing but a
/// budget of guesses of its own. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Device(pub String);

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Device(…)")
    }
}
