//! Names of enum values in JSON, where the generated code keeps numbers.

use serde::{Serialize, Serializer};

use crate::v1::{Concern, DeliveryKind, QuotaLayer, VerdictStatus};

macro_rules! named {
    ($function:ident, $type:ident) => {
        pub(crate) fn $function<S: Serializer>(
            value: &i32,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            $type::try_from(*value)
                .unwrap_or_default()
                .as_str_name()
                .serialize(serializer)
        }
    };
}

named!(status, VerdictStatus);
named!(layer, QuotaLayer);
named!(concern, Concern);
named!(delivery_kind, DeliveryKind);

/// Whether a mark is not set.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde asks for"
)]
pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

/// Whether a number says nothing.
pub(crate) fn is_zero(value: &u64) -> bool {
    *value == 0
}
