//! Names of enum values in JSON, where the generated code keeps numbers.

use serde::{Serialize, Serializer};

use crate::v1::{Concern, DeliveryKind, QuotaLayer, VerdictStatus};

macro_rules! named {
    ($function:ident, $schema:ident, $type:ident) => {
        pub(crate) fn $function<S: Serializer>(
            value: &i32,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            $type::try_from(*value)
                .unwrap_or_default()
                .as_str_name()
                .serialize(serializer)
        }

        #[cfg(any(test, feature = "schema"))]
        pub(crate) fn $schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
            crate::contract::names_of(stringify!($type))
        }
    };
}

named!(status, status_schema, VerdictStatus);
named!(layer, layer_schema, QuotaLayer);
named!(concern, concern_schema, Concern);
named!(delivery_kind, delivery_kind_schema, DeliveryKind);

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
