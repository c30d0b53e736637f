//! The settings that say how often somebody may try (E.3).

use super::Settings;
use crate::domain::guard::Limits;

impl Settings {
    fn limit(&self, key: &str) -> u32 {
        self.get(key).as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
    }

    /// How often is too often.
    pub fn guard(&self) -> Limits {
        Limits {
            account_free: self.limit("guard.account_free"),
            account_per_day: self.limit("guard.account_per_day"),
            device: self.limit("guard.device"),
            address: self.limit("guard.address"),
            network: self.limit("guard.network"),
            register: self.limit("guard.register"),
            mail_per_minute: self.limit("guard.mail_per_minute"),
            mail_per_hour: self.limit("guard.mail_per_hour"),
            mail_per_address: self.limit("guard.mail_per_address"),
            refresh: self.limit("guard.refresh"),
            secrets: self.limit("guard.secrets"),
        }
    }
}
