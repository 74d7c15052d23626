//! How letters are worded: by what the case is about, and by the step of the ladder.
//!
//! A place that is late is asked to catch up, one that does not report to report: nobody is reproached with figures that nobody has.

use domain::event::Step;
use wire::v1;

/// What is asked for.
pub(super) struct Wording {
    /// Follows "V/v", before the indicator.
    pub(super) subject: String,
    /// What is said before the request; none for most.
    pub(super) reproach: Option<&'static str>,
    /// What is asked for, before the day by which.
    pub(super) request: &'static str,
}

/// Step, subject, and request.
type Line = (&'static str, &'static str, &'static str);

const CRITICISM: &str = "phê bình";

const LATE: [Line; 6] = [
    (
        "nhắc",
        "nhắc tiến độ",
        "Đề nghị đồng chí chỉ đạo rà soát, tổ chức thực hiện và báo cáo kết quả",
    ),
    (
        "đôn đốc",
        "đôn đốc tiến độ",
        "Đề nghị đồng chí tập trung chỉ đạo, có giải pháp cụ thể để bảo đảm tiến độ và báo cáo kết quả",
    ),
    (
        "giao ban",
        "báo cáo tại giao ban về tiến độ",
        "Đề nghị đồng chí báo cáo tại cuộc họp giao ban gần nhất về nguyên nhân, giải pháp và thời hạn hoàn thành, và gửi báo cáo bằng văn bản",
    ),
    (
        "giải trình",
        "yêu cầu giải trình về tiến độ",
        "Yêu cầu đồng chí giải trình bằng văn bản nguyên nhân chậm tiến độ, trách nhiệm của tập thể và cá nhân, cam kết thời hạn hoàn thành, và gửi giải trình",
    ),
    (
        CRITICISM,
        "phê bình chậm tiến độ",
        "Yêu cầu đồng chí nghiêm túc rút kinh nghiệm, khắc phục ngay và báo cáo kết quả khắc phục",
    ),
    (
        "kiểm điểm",
        "kiểm điểm trách nhiệm về tiến độ",
        "Yêu cầu tổ chức kiểm điểm trách nhiệm của người đứng đầu và các cá nhân liên quan theo quy định, và báo cáo kết quả kiểm điểm",
    ),
];

const UNREPORTED: [Line; 6] = [
    (
        "nhắc",
        "nhắc báo cáo số liệu",
        "Đề nghị đồng chí chỉ đạo cập nhật, báo cáo đầy đủ số liệu",
    ),
    (
        "đôn đốc",
        "đôn đốc báo cáo số liệu",
        "Đề nghị đồng chí chỉ đạo thực hiện nghiêm chế độ báo cáo, cập nhật đầy đủ số liệu",
    ),
    (
        "giao ban",
        "báo cáo tại giao ban về việc báo cáo số liệu",
        "Đề nghị đồng chí báo cáo tại cuộc họp giao ban gần nhất về nguyên nhân chưa báo cáo, và cập nhật đầy đủ số liệu",
    ),
    (
        "giải trình",
        "yêu cầu giải trình về việc không báo cáo số liệu",
        "Yêu cầu đồng chí giải trình bằng văn bản nguyên nhân không báo cáo, và cập nhật đầy đủ số liệu",
    ),
    (
        CRITICISM,
        "phê bình việc không báo cáo số liệu",
        "Yêu cầu đồng chí nghiêm túc rút kinh nghiệm, báo cáo ngay đầy đủ số liệu",
    ),
    (
        "kiểm điểm",
        "kiểm điểm trách nhiệm về việc không báo cáo số liệu",
        "Yêu cầu tổ chức kiểm điểm trách nhiệm của người đứng đầu và các cá nhân liên quan theo quy định, và báo cáo đầy đủ số liệu",
    ),
];

/// The wording of a step by its name: that of practice, and a general one for a name that somebody else gave.
pub(super) fn wording(step: &Step, concern: v1::Concern) -> Wording {
    let is_late = !matches!(concern, v1::Concern::Silent | v1::Concern::NoData);
    let lines = if is_late { &LATE } else { &UNREPORTED };
    let name = step.name.vi.to_lowercase();
    let about = if is_late {
        "tiến độ"
    } else {
        "báo cáo số liệu"
    };
    let found = lines.iter().find(|(step, ..)| *step == name);
    let (subject, request) = found.map_or_else(
        || {
            let request = "Đề nghị đồng chí chỉ đạo thực hiện và báo cáo kết quả";
            (format!("{name} về {about}"), request)
        },
        |(_, subject, request)| ((*subject).to_owned(), *request),
    );
    let reproach = (name == CRITICISM).then_some(if is_late {
        "chậm tiến độ theo các số liệu nêu trên"
    } else {
        "không thực hiện chế độ báo cáo"
    });
    Wording {
        subject,
        reproach,
        request,
    }
}
