//! What the descriptor sets say: which methods there are, for reflection and for metric labels.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use prost::Message as _;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};
use tonic_reflection::server::Builder;

use crate::Error;

/// The services this crate adds to every server.
const OWN_SERVICES: [&str; 3] = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

/// One method, as metrics label it.
pub(super) struct Method {
    pub(super) service: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) kind: &'static str,
}

/// The methods by request path.
pub(super) struct Methods {
    by_path: HashMap<String, Method>,
    unknown: Method,
}

impl Methods {
    /// The method at `path`, or one called `unknown`.
    pub(super) fn find(&self, path: &str) -> &Method {
        self.by_path.get(path).unwrap_or(&self.unknown)
    }
}

/// The descriptor sets of a server and what they say of the services it serves.
pub(super) struct Descriptors {
    sets: Vec<&'static [u8]>,
    served: BTreeSet<&'static str>,
    methods: Arc<Methods>,
}

impl Descriptors {
    /// Reads `sets`, which must describe all of `services`; health and reflection are added.
    pub(super) fn new(
        mut sets: Vec<&'static [u8]>,
        services: &[&'static str],
    ) -> Result<Self, Error> {
        sets.extend([
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ]);
        let served: BTreeSet<_> = services.iter().copied().chain(OWN_SERVICES).collect();
        let mut by_path = HashMap::new();
        let mut described = BTreeSet::new();
        for set in &sets {
            let set = FileDescriptorSet::decode(*set).map_err(Error::Descriptors)?;
            for (service, method) in methods_of(&set) {
                if served.contains(&*service) {
                    described.insert(Arc::clone(&service));
                    by_path.insert(
                        format!("/{service}/{}", method.name()),
                        label(service, method),
                    );
                }
            }
        }
        match served.iter().find(|service| !described.contains(**service)) {
            Some(service) => Err(Error::ServiceUndescribed {
                service: (*service).to_owned(),
            }),
            None => {
                let methods = Arc::new(Methods {
                    by_path,
                    unknown: unknown(),
                });
                Ok(Self {
                    sets,
                    served,
                    methods,
                })
            }
        }
    }

    /// A reflection service that shows what is served here and nothing else of the sets.
    pub(super) fn reflection(&self) -> Builder<'static> {
        let builder = self.sets.iter().fold(Builder::configure(), |builder, set| {
            builder.register_encoded_file_descriptor_set(set)
        });
        self.served.iter().fold(builder, |builder, service| {
            builder.with_service_name(*service)
        })
    }

    pub(super) fn methods(&self) -> Arc<Methods> {
        Arc::clone(&self.methods)
    }
}

/// Every method with the full name of its service.
fn methods_of(set: &FileDescriptorSet) -> impl Iterator<Item = (Arc<str>, &MethodDescriptorProto)> {
    set.file.iter().flat_map(|file| {
        file.service.iter().flat_map(move |service| {
            let name: Arc<str> = match file.package() {
                "" => Arc::from(service.name()),
                package => Arc::from(format!("{package}.{}", service.name())),
            };
            service
                .method
                .iter()
                .map(move |method| (Arc::clone(&name), method))
        })
    })
}

fn label(service: Arc<str>, method: &MethodDescriptorProto) -> Method {
    let kind = match (method.client_streaming(), method.server_streaming()) {
        (false, false) => "unary",
        (false, true) => "server_stream",
        (true, false) => "client_stream",
        (true, true) => "bidi_stream",
    };
    Method {
        service,
        name: Arc::from(method.name()),
        kind,
    }
}

fn unknown() -> Method {
    Method {
        service: Arc::from("unknown"),
        name: Arc::from("unknown"),
        kind: "unknown",
    }
}
