//! The kinds of messages, each known by its example.

use serde_json::Value;

use super::schema::Schemas;
use super::{Error, example};

/// Which ledger a kind is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ledger {
    /// The programme's own: `<ledger>`.
    Programme,
    /// What alerting found and did: `<ledger>-alerts`.
    Alerts,
}

/// A text in Vietnamese and in English.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// Vietnamese.
    pub vi: &'static str,
    /// English.
    pub en: &'static str,
}

/// A kind of message.
#[derive(Debug, Clone)]
pub struct Kind {
    /// Which ledger it is of.
    pub ledger: Ledger,
    /// The topic: `progress`, …
    pub topic: &'static str,
    /// What happened within it: `reported`, …
    pub event: &'static str,
    /// What it says, in Vietnamese.
    pub vi: &'static str,
    /// What it says, in English.
    pub en: String,
    /// What the last token of its subject is.
    pub detail: Text,
    /// Schema of its data.
    pub schema: Value,
    /// What the example comes under.
    pub subject: String,
    /// The example, byte by byte as it is published.
    pub example: Vec<u8>,
}

impl Kind {
    /// `<topic>.<event>`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}", self.topic, self.event)
    }

    /// The CloudEvents `type`.
    #[must_use]
    pub fn r#type(&self) -> String {
        format!("vn.tiendo.{}.{}.v1", self.topic, self.event)
    }

    /// The address of its channel, with `{ledger}`, `{locality}` and `{detail}` to be filled in.
    #[must_use]
    pub fn address(&self) -> String {
        let ledger = match self.ledger {
            Ledger::Programme => "{ledger}",
            Ledger::Alerts => "{ledger}-alerts",
        };
        format!(
            "tiendo.v1.{ledger}.{{locality}}.{}.{}.{{detail}}",
            self.topic, self.event
        )
    }
}

/// All kinds, those of the programme first, each with its schema and example.
///
/// # Errors
/// [`Error`] if a kind has no example, no text, or two of either.
pub fn kinds() -> Result<Vec<Kind>, Error> {
    let (events, alerts) = (Schemas::of_events()?, Schemas::of_alerts()?);
    let mut bodies = Vec::new();
    let mut kinds: Vec<Kind> = Vec::new();
    for message in example::messages()? {
        let schemas = match message.ledger {
            Ledger::Programme => &events,
            Ledger::Alerts => &alerts,
        };
        let envelope: Value = serde_json::from_slice(&message.payload)?;
        let said = |name: &&str| envelope["data"].get(name).is_some();
        let body = schemas
            .names()
            .find(said)
            .ok_or("an example says nothing")?;
        let name = format!("{}.{}", message.topic, message.event);
        let (vi, detail) = text(&name).ok_or_else(|| format!("{name} has no text"))?;
        if kinds.iter().any(|kind| kind.name() == name) {
            return Err(format!("{name} has two examples").into());
        }
        let id = envelope["dataschema"].as_str().unwrap_or_default();
        let title = envelope["type"].as_str().unwrap_or_default();
        let (schema, en) = schemas.data(body, id, title)?;
        bodies.push(body.to_owned());
        kinds.push(Kind {
            ledger: message.ledger,
            topic: message.topic,
            event: message.event,
            vi,
            en,
            detail,
            schema,
            subject: message.subject,
            example: message.payload,
        });
    }
    let mut all = events.names().chain(alerts.names());
    if let Some(name) = all.find(|name| !bodies.iter().any(|body| body == name)) {
        return Err(format!("{name} has no example").into());
    }
    Ok(kinds)
}

const FIRST_DAY: Text = Text {
    vi: "ngày đầu của địa phương (`since`)",
    en: "first day of the locality (`since`)",
};
const PLAN: Text = Text {
    vi: "mã kế hoạch",
    en: "code of the plan",
};
const GROUP: Text = Text {
    vi: "mã nhóm mô hình",
    en: "code of the group of models",
};
const MODEL: Text = Text {
    vi: "mã mô hình",
    en: "code of the model",
};
const SCOPE: Text = Text {
    vi: "mã mô hình hoặc kế hoạch",
    en: "code of the model or plan",
};
const ORGANISATION: Text = Text {
    vi: "tên cơ quan, viết không dấu; tên dài được cắt và thêm mã băm",
    en: "name of the organisation in plain letters; a long one is cut and told apart by a hash",
};
const INDICATOR: Text = Text {
    vi: "mã chỉ tiêu",
    en: "code of the indicator",
};
const POSITION: Text = Text {
    vi: "vị trí của sự kiện có phát hiện",
    en: "position of the event with the finding",
};
const CAMPAIGN: Text = Text {
    vi: "mã chiến dịch",
    en: "code of the campaign",
};
const WORK_ITEM: Text = Text {
    vi: "mã nhiệm vụ",
    en: "code of the work item",
};
const ORDER: Text = Text {
    vi: "luôn là `order`",
    en: "always `order`",
};
const INDICATOR_OR_WHOLE: Text = Text {
    vi: "mã chỉ tiêu, hoặc `whole` nếu nói về toàn bộ",
    en: "code of the indicator, or `whole` if about the whole",
};
const SYSTEM: Text = Text {
    vi: "mã hệ thống dùng chung",
    en: "code of the shared system",
};
const DATASET: Text = Text {
    vi: "mã bộ dữ liệu",
    en: "code of the data set",
};
const WRITER: Text = Text {
    vi: "tên máy ghi mới, viết không dấu",
    en: "name of the new writer in plain letters",
};
const RULES: Text = Text {
    vi: "tên phiên bản quy tắc",
    en: "name of the version of the rules",
};
const SILENCE: Text = Text {
    vi: "mã lần tạm dừng thông báo",
    en: "id of the silence",
};
const SINK: Text = Text {
    vi: "nơi nhận: `mail`, `alertmanager`, `webhook-<tên>`",
    en: "the sink: `mail`, `alertmanager`, `webhook-<name>`",
};

/// What each kind says in Vietnamese, and what the last token of its subject is.
const TEXTS: [(&str, &str, Text); 47] = [
    (
        "locality.registered",
        "Một địa phương được thành lập hoặc được đưa vào danh mục.",
        FIRST_DAY,
    ),
    (
        "locality.ended",
        "Một địa phương chấm dứt từ ngày này.",
        FIRST_DAY,
    ),
    ("plan.adopted", "Một kế hoạch được ban hành.", PLAN),
    ("group.defined", "Một nhóm mô hình được xác định.", GROUP),
    (
        "group.withdrawn",
        "Một nhóm mô hình được rút khỏi kế hoạch.",
        GROUP,
    ),
    (
        "model.defined",
        "Một mô hình được xác định hoặc sửa đổi.",
        MODEL,
    ),
    (
        "model.withdrawn",
        "Một mô hình được rút khỏi kế hoạch.",
        MODEL,
    ),
    (
        "model.status-changed",
        "Trạng thái triển khai một mô hình tại địa phương thay đổi.",
        MODEL,
    ),
    (
        "owner.assigned",
        "Một cơ quan nhận vai trò; thay cho cơ quan giữ vai trò ấy trước đó.",
        SCOPE,
    ),
    (
        "owner.person-erased",
        "Tên người được phân công đã được xóa; việc phân công vẫn còn.",
        SCOPE,
    ),
    (
        "organisation.succeeded",
        "Một cơ quan đổi tên, sáp nhập, chia tách hoặc giải thể.",
        ORGANISATION,
    ),
    (
        "indicator.defined",
        "Một chỉ tiêu đo lường được xác định hoặc sửa đổi.",
        INDICATOR,
    ),
    (
        "indicator.related",
        "Quan hệ giữa hai chỉ tiêu, hoặc giữa các nơi của một chỉ tiêu.",
        INDICATOR,
    ),
    (
        "quota.assigned",
        "Chỉ tiêu được giao hoặc được sửa.",
        INDICATOR,
    ),
    (
        "quota.suspended",
        "Chỉ tiêu được giao tạm dừng cho đến khi giao lại.",
        INDICATOR,
    ),
    ("progress.reported", "Một số liệu được báo cáo.", INDICATOR),
    (
        "progress.corrected",
        "Một số liệu đã báo cáo được đính chính.",
        INDICATOR,
    ),
    (
        "progress.retracted",
        "Một số liệu đã báo cáo được rút lại.",
        INDICATOR,
    ),
    (
        "finding.resolved",
        "Một phát hiện khi kiểm tra số liệu đã có người trả lời.",
        POSITION,
    ),
    (
        "campaign.launched",
        "Một chiến dịch được phát động.",
        CAMPAIGN,
    ),
    (
        "campaign.group-formed",
        "Một tổ công tác của chiến dịch được thành lập.",
        CAMPAIGN,
    ),
    ("campaign.closed", "Một chiến dịch kết thúc.", CAMPAIGN),
    (
        "completion.declared",
        "Địa phương đăng ký ngày hoàn thành.",
        INDICATOR,
    ),
    (
        "work-item.defined",
        "Một nhiệm vụ được xác định hoặc sửa đổi.",
        WORK_ITEM,
    ),
    (
        "work-item.progressed",
        "Một nhiệm vụ có tiến triển: số lượng, tỷ lệ, hoặc cả hai.",
        WORK_ITEM,
    ),
    (
        "work-item.rescheduled",
        "Thời hạn của một nhiệm vụ thay đổi.",
        WORK_ITEM,
    ),
    (
        "work-item.cancelled",
        "Một nhiệm vụ bị hủy, không làm nữa.",
        WORK_ITEM,
    ),
    (
        "work-item.completed",
        "Một nhiệm vụ đã hoàn thành.",
        WORK_ITEM,
    ),
    (
        "readiness.reviewed",
        "Hiện trạng và điều kiện được rà soát trước khi làm.",
        SCOPE,
    ),
    ("directive.issued", "Lãnh đạo hoặc văn bản chỉ đạo.", ORDER),
    (
        "assessment.published",
        "Một địa phương được đánh giá công khai.",
        INDICATOR_OR_WHOLE,
    ),
    (
        "system.commissioned",
        "Một hệ thống dùng chung đi vào hoạt động.",
        SYSTEM,
    ),
    (
        "dataset.loaded",
        "Một bộ dữ liệu đã được nạp xong.",
        DATASET,
    ),
    (
        "ledger.taken-over",
        "Máy ghi khác đã tiếp quản sổ; những gì máy trước chưa phát hành không có trong sổ này.",
        WRITER,
    ),
    (
        "rule.adopted",
        "Quy tắc đánh giá được ban hành; có hiệu lực cho đến khi có quy tắc khác.",
        RULES,
    ),
    ("case.opened", "Mở một vụ việc chậm tiến độ.", INDICATOR),
    ("case.cleared", "Đóng một vụ việc.", INDICATOR),
    (
        "case.escalated",
        "Vụ việc chuyển sang bước tiếp theo của thang đôn đốc.",
        INDICATOR,
    ),
    ("case.acknowledged", "Đơn vị nhận xử lý vụ việc.", INDICATOR),
    (
        "acknowledgement.ended",
        "Hết thời hạn nhận xử lý.",
        INDICATOR,
    ),
    ("notification.sent", "Một đơn vị được thông báo.", INDICATOR),
    (
        "notification.withheld",
        "Một thông báo đến hạn nhưng không gửi.",
        INDICATOR,
    ),
    (
        "notification.read",
        "Một đơn vị đã đọc thông báo.",
        INDICATOR,
    ),
    ("silence.set", "Tạm dừng thông báo từ nay.", SILENCE),
    (
        "silence.ended",
        "Kết thúc tạm dừng thông báo trước hạn.",
        SILENCE,
    ),
    ("delivery.recorded", "Một nơi nhận đã nhận các mục.", SINK),
    (
        "delivery.failed",
        "Một mục không gửi được tới nơi nhận.",
        SINK,
    ),
];

fn text(name: &str) -> Option<(&'static str, Text)> {
    let mut found = TEXTS.iter().filter(|(of, _, _)| *of == name);
    found.next().map(|(_, vi, detail)| (*vi, *detail))
}
