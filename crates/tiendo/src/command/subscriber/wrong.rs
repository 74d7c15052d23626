//! What is wrong with what was asked for a subscriber, in both languages.

use std::path::PathBuf;

use bus::subscriber::Unreached;

use crate::Failure;
use crate::fail::{REFUSED, UNAVAILABLE, USAGE};
use crate::lang::Lang;

/// What is wrong.
#[derive(Debug)]
pub(super) enum Wrong {
    /// A name that cannot be one.
    Name(String),
    /// A ledger that cannot be one.
    Ledger(String),
    /// A kind that is none, and those that look like it.
    Kind(String, Vec<&'static str>),
    /// Kinds of the ledger and of its alerts.
    TwoLedgers(String, String),
    /// A place that is no code.
    Locality(String),
    /// A beginning that is none.
    Start(String),
    /// Too many filters.
    Filters(usize, usize),
    /// A key that is none.
    Key(String),
    /// A file with a seed that cannot be used.
    Seed(PathBuf, String),
    /// An accounts file that cannot be used.
    Accounts(PathBuf, String),
    /// An account of that name that says something else.
    Account(String),
    /// A key that another account has.
    KeyTaken(String),
    /// The server knows its users, and no file of accounts is named.
    NoAccounts,
    /// Servers of a cluster that have other accounts.
    Unreached(Vec<Unreached>),
    /// An address that is none.
    PublicUrl(String),
}

/// A key as it may be shown: a seed is secret.
fn shown(key: &str) -> &str {
    if key.starts_with('S') { "S…" } else { key }
}

fn listed(servers: &[Unreached]) -> String {
    let each = servers
        .iter()
        .map(|one| format!("{} ({})", one.server, one.why));
    each.collect::<Vec<_>>().join(", ")
}

impl Wrong {
    /// A code for the operator's runbook.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Name(_) => "SUBSCRIBER_NAME",
            Self::Ledger(_) => "LEDGER_INVALID",
            Self::Kind(..) => "SUBSCRIBER_KIND",
            Self::TwoLedgers(..) => "SUBSCRIBER_TWO_LEDGERS",
            Self::Locality(_) => "SUBSCRIBER_LOCALITY",
            Self::Start(_) => "SUBSCRIBER_START",
            Self::Filters(..) => "SUBSCRIBER_FILTERS",
            Self::Key(_) | Self::KeyTaken(_) | Self::Seed(..) => "SUBSCRIBER_KEY",
            Self::Accounts(..) | Self::NoAccounts => "SUBSCRIBER_ACCOUNTS",
            Self::Account(_) => "SUBSCRIBER_EXISTS",
            Self::Unreached(_) => "SUBSCRIBER_NOT_EVERYWHERE",
            Self::PublicUrl(_) => "BUS_URL_INVALID",
        }
    }

    fn vi(&self) -> String {
        match self {
            Self::Name(name) => format!(
                "'{name}' không làm tên được: cần một từ gồm a-z, 0-9, '_', '-', tối đa 64 ký tự, không bắt đầu bằng '_', không trùng tên dành riêng (ingest, operator…)"
            ),
            Self::Ledger(ledger) => format!("'{ledger}' không phải mã sổ"),
            Self::Kind(kind, nearest) => {
                format!("không có loại '{kind}'; gần nhất là {}", nearest.join(", "))
            }
            Self::TwoLedgers(one, other) => format!(
                "'{one}' thuộc sổ, '{other}' thuộc sổ cảnh báo: hãy thêm hai bên nhận, mỗi sổ một tên"
            ),
            Self::Locality(code) => format!(
                "'{code}' không phải mã địa phương: cần 2, 3 hoặc 5 chữ số, hoặc vn; xem `tiendo locality list`"
            ),
            Self::Start(text) => format!(
                "--start '{text}' không hiểu được: cần beginning, new, một vị trí từ 1, hoặc một thời điểm như 2026-07-01T00:00:00Z"
            ),
            Self::Filters(count, max) => format!(
                "{count} bộ lọc (địa phương × loại), nhiều nhất {max}; hãy dùng nhóm thay cho loại, hoặc nhận mọi địa phương"
            ),
            Self::Key(key) => format!("'{}' không phải khóa công khai (U…)", shown(key)),
            Self::Seed(file, why) => format!("không dùng được khóa {}: {why}", file.display()),
            Self::Accounts(file, why) => {
                format!("không dùng được tệp tài khoản {}: {why}", file.display())
            }
            Self::Account(name) => format!(
                "đã có tài khoản '{name}' với nội dung khác; hãy `tiendo subscriber remove {name}` trước"
            ),
            Self::KeyTaken(name) => {
                format!("tài khoản '{name}' đã dùng khóa này; mỗi bên nhận cần một khóa riêng")
            }
            Self::NoAccounts => {
                "máy chủ NATS này có tài khoản: hãy chỉ tệp subscribers.conf của nó bằng --accounts"
                    .to_owned()
            }
            Self::Unreached(servers) => format!(
                "máy chủ NATS khác trong cụm chưa theo: {}; chép tệp tài khoản sang đó rồi chạy lại lệnh này",
                listed(servers)
            ),
            Self::PublicUrl(why) => format!("--public-url không dùng được: {why}"),
        }
    }

    fn en(&self) -> String {
        match self {
            Self::Name(name) => format!(
                "'{name}' cannot be a name: one token of a-z, 0-9, '_' and '-', at most 64 characters, not '_' first, and none that is taken (ingest, operator …)"
            ),
            Self::Ledger(ledger) => format!("'{ledger}' is not the id of a ledger"),
            Self::Kind(kind, nearest) => format!(
                "there is no kind '{kind}'; nearest are {}",
                nearest.join(", ")
            ),
            Self::TwoLedgers(one, other) => format!(
                "'{one}' is of the ledger, '{other}' of its alerts: add two subscribers, one for each"
            ),
            Self::Locality(code) => format!(
                "'{code}' is not the code of a locality: 2, 3 or 5 digits, or vn; see `tiendo locality list`"
            ),
            Self::Start(text) => format!(
                "--start '{text}' is not understood: beginning, new, a position from 1 on, or an instant such as 2026-07-01T00:00:00Z"
            ),
            Self::Filters(count, max) => format!(
                "{count} filters (places × kinds), at most {max}; name topics instead of kinds, or take all places"
            ),
            Self::Key(key) => format!("'{}' is not a public key (U…)", shown(key)),
            Self::Seed(file, why) => format!("the key {} cannot be used: {why}", file.display()),
            Self::Accounts(file, why) => {
                format!("the accounts file {} cannot be used: {why}", file.display())
            }
            Self::Account(name) => format!(
                "there is an account '{name}' that says something else; `tiendo subscriber remove {name}` first"
            ),
            Self::KeyTaken(name) => {
                format!("the account '{name}' has this key; each subscriber needs one of its own")
            }
            Self::NoAccounts => {
                "this NATS server has accounts: name its subscribers.conf with --accounts"
                    .to_owned()
            }
            Self::Unreached(servers) => format!(
                "not so on every NATS server of the cluster: {}; copy the accounts file there and run this again",
                listed(servers)
            ),
            Self::PublicUrl(why) => format!("--public-url cannot be used: {why}"),
        }
    }

    /// As a failure of the command.
    pub(super) fn told(&self, lang: Lang) -> Failure {
        let code = match self {
            Self::NoAccounts | Self::Accounts(..) | Self::Ledger(_) => USAGE,
            Self::Unreached(_) => UNAVAILABLE,
            _ => REFUSED,
        };
        let text = lang.pick(self.vi(), self.en());
        Failure::new(code, format!("{text} [{}]", self.reason()))
    }
}
