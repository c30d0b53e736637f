//! Sessions in SQLite.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use rusqlite::types::Value;
use rusqlite::{Row, named_params, params_from_iter};

use super::list::{Filter, order};
use super::{SqliteTx, broken, maybe_time, micros, time};
use crate::domain::error::Result;
use crate::domain::ids::{SessionId, Timestamp, UserId};
use crate::domain::pages::Listing;
use crate::domain::sessions::{EndReason, NewSession, Session};
use crate::domain::settings::Profile;
use crate::store::sessions::Which;
use crate::store::{Sessions, missed};

/// When a forced logout ends the session `s`, if it was begun before (S4-35). Whatever asks whether a session or a token
/// is live asks this.
pub(super) const FORCED_END: &str =
    "(SELECT u.force_logout_at FROM users u WHERE u.id = s.user_id AND s.created_at < u.force_logout_at)";

/// Whether nothing has ended the session `s` before its time, at a moment.
pub(super) fn not_ended() -> String {
    format!("s.ended_at IS NULL AND IFNULL({FORCED_END} > ?, TRUE)")
}

/// Whether the session `s` is live, at a moment that is bound twice.
fn is_live() -> String {
    format!("{} AND s.expires_at > ?", not_ended())
}

/// What [`session`] reads, in its order.
fn select() -> String {
    format!(
        "SELECT s.id AS id, s.uuid, s.user_id AS user_id, s.profile, s.ip_address, s.user_agent,
             s.created_at AS created_at, s.expires_at AS expires_at, s.ends_at, s.ended_at, s.end_reason,
             IFNULL(MIN(s.expires_at, {FORCED_END}), s.expires_at) AS live_until
         FROM sessions s"
    )
}

const ORDER: &[(&str, &str)] = &[("created_at", "created_at"), ("expires_at", "expires_at"), ("user_id", "user_id")];

/// Columns by number: to find them by name would take longer than to read them.
fn session(row: &Row) -> rusqlite::Result<Session> {
    let profile: String = row.get(3)?;
    Ok(Session {
        id: SessionId(row.get(0)?),
        uuid: row.get(1)?,
        user_id: UserId(row.get(2)?),
        profile: Profile::parse(&profile).ok_or_else(|| broken("profile", &profile))?,
        ip_address: address(row)?,
        user_agent: row.get(5)?,
        created_at: time(row, 6)?,
        expires_at: time(row, 11)?,
        ends_at: time(row, 8)?,
        ended_at: maybe_time(row, 9)?,
        end_reason: row.get::<_, Option<String>>(10)?.as_deref().and_then(EndReason::parse),
    })
}

/// The column `ip_address`.
pub(super) fn address(row: &Row) -> rusqlite::Result<Option<IpAddr>> {
    let text: Option<String> = row.get("ip_address")?;
    text.map(|text| text.parse().map_err(|_| broken("ip_address", &text))).transpose()
}

fn filter(listing: &Listing, now: Timestamp) -> Filter {
    let mut filter = Filter::of_user(listing, &is_live(), now);
    for word in &listing.search {
        filter.and_prefix("sessions", &["uuid", "ip_address"], &[word.to_lowercase()]);
    }
    filter
}

impl Sessions for SqliteTx<'_> {
    fn session(&self, id: SessionId) -> Result<Option<Session>> {
        self.one(&format!("{} WHERE s.id = ?", select()), [id.0], session)
    }

    fn session_by_uuid(&self, uuid: &str) -> Result<Option<Session>> {
        static SQL: LazyLock<String> = LazyLock::new(|| format!("{} WHERE s.uuid = ?", select()));
        self.one(&SQL, [uuid], session)
    }

    fn count_sessions(&self, listing: &Listing, now: Timestamp) -> Result<u64> {
        let filter = filter(listing, now);
        if filter.is_empty() {
            return self.counted("sessions");
        }
        self.count(&format!("SELECT COUNT(*) FROM sessions s {}", filter.clause()), params_from_iter(&filter.values))
    }

    fn list_sessions(&self, listing: &Listing, now: Timestamp) -> Result<Vec<Session>> {
        let (filter, order) = (filter(listing, now), order(listing, ORDER));
        let sql = format!(
            "SELECT * FROM ({} WHERE s.id IN (SELECT id FROM sessions s {} {order} LIMIT ? OFFSET ?)) {order}",
            select(),
            filter.clause()
        );
        self.all(&sql, params_from_iter(filter.window(listing)), session)
    }

    fn live_sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>> {
        let sql = format!("{} WHERE s.user_id = ? AND {} ORDER BY s.id DESC", select(), is_live());
        self.all(&sql, (user.0, micros(now), micros(now)), session)
    }

    fn count_live_sessions(&self, now: Timestamp) -> Result<u64> {
        self.count("SELECT COUNT(*) FROM sessions WHERE ended_at IS NULL AND expires_at > ?", [micros(now)])
    }

    fn newest_session(&self) -> Result<SessionId> {
        let seq = self.one("SELECT seq FROM sqlite_sequence WHERE name = 'sessions'", [], |row| row.get(0))?;
        Ok(SessionId(seq.unwrap_or(0)))
    }

    fn usable_sessions(&self, numbers: RangeInclusive<i64>, now: Timestamp) -> Result<Vec<SessionId>> {
        // The plus keeps it from walking along all that live.
        let sql = "SELECT s.id FROM sessions s CROSS JOIN users u ON u.id = s.user_id
                   WHERE s.id BETWEEN ?1 AND ?2 AND s.ended_at IS NULL AND +s.expires_at > ?3 AND u.is_active = 1
                       AND (u.force_logout_at IS NULL OR s.created_at >= u.force_logout_at OR u.force_logout_at > ?3)";
        self.all(sql, (numbers.start(), numbers.end(), micros(now)), |row| Ok(SessionId(row.get(0)?)))
    }

    fn insert_session(&self, new: &NewSession) -> Result<SessionId> {
        let id = self.insert(
            "INSERT INTO sessions (uuid, user_id, profile, ip_address, user_agent, created_at, expires_at, ends_at)
             VALUES (:uuid, :user_id, :profile, :ip_address, :user_agent, :created_at, :expires_at, :ends_at)",
            named_params! {
                ":uuid": new.uuid,
                ":user_id": new.user_id.0,
                ":profile": new.profile.as_str(),
                ":ip_address": new.ip_address.map(|address| address.to_string()),
                ":user_agent": new.user_agent,
                ":created_at": micros(new.created_at),
                ":expires_at": micros(new.expires_at),
                ":ends_at": micros(new.ends_at),
            },
        )?;
        Ok(SessionId(id))
    }

    fn set_session_end(&self, id: SessionId, expires_at: Timestamp) -> Result<()> {
        let hit = self.change("UPDATE sessions SET expires_at = ?2 WHERE id = ?1", (id.0, micros(expires_at)))?;
        if hit == 1 { Ok(()) } else { Err(missed("sessions")) }
    }

    fn end_sessions(&self, which: Which, reason: EndReason, now: Timestamp) -> Result<u64> {
        let (condition, ids) = match which {
            Which::One(id) => ("id = ?", vec![id.0]),
            Which::OfUser(user) => ("user_id = ?", vec![user.0]),
            Which::OthersOfUser(user, id) => ("user_id = ? AND id <> ?", vec![user.0, id.0]),
            Which::BegunBefore(user, at) => ("user_id = ? AND created_at < ?", vec![user.0, micros(at)]),
            Which::Everyone => ("TRUE", vec![]),
        };
        let now = micros(now);
        let with_ids = |mut values: Vec<Value>| {
            values.extend(ids.iter().copied().map(Value::from));
            params_from_iter(values)
        };
        let live = format!("SELECT COUNT(*) FROM sessions s WHERE {} AND {condition}", is_live());
        let live = self.count(&live, with_ids(vec![Value::from(now), Value::from(now)]))?;
        let all_until = match which {
            Which::BegunBefore(_, at) => micros(at),
            _ => now,
        };
        match which {
            Which::One(_) => 0,
            Which::OfUser(user) | Which::OthersOfUser(user, _) | Which::BegunBefore(user, _) => self.change(
                "UPDATE users SET epoch = epoch + 1, void_until = MAX(void_until, ?2) WHERE id = ?1",
                [user.0, all_until],
            )?,
            Which::Everyone => self.change(
                "UPDATE marks SET value = CASE name WHEN 'epoch' THEN value + 1
                                                    ELSE MAX(CAST(value AS INTEGER), ?1) END
                 WHERE name IN ('epoch', 'void_until')",
                [now],
            )?,
        };
        let sql = format!("UPDATE sessions SET ended_at = ?, end_reason = ? WHERE ended_at IS NULL AND {condition}");
        self.change(&sql, with_ids(vec![Value::from(now), Value::from(reason.as_str().to_owned())]))?;
        Ok(live)
    }

    fn void_until(&self, user: UserId) -> Result<Timestamp> {
        let sql = "SELECT MAX(u.void_until, CAST(m.value AS INTEGER)) AS void_until
                   FROM users u, marks m WHERE u.id = ? AND m.name = 'void_until'";
        Ok(self.one(sql, [user.0], |row| time(row, "void_until"))?.unwrap_or_default())
    }

    fn epoch(&self, user: UserId) -> Result<i64> {
        let sql = "SELECT u.epoch + CAST(m.value AS INTEGER) FROM users u, marks m WHERE u.id = ? AND m.name = 'epoch'";
        Ok(self.one(sql, [user.0], |row| row.get(0))?.unwrap_or(0))
    }

    fn purge_sessions(&self, before: Timestamp, limit: u32) -> Result<u64> {
        let sql = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < ? LIMIT ?)";
        Ok(self.change(sql, (micros(before), limit))? as u64)
    }
}
