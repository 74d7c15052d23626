//! NATS servers as an operator sets them up: the configurations of `deploy/nats`, with keys and certificates made for the test.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use bus::Access;
use bus::server::{Given, Launch, Ready, Search, Server, obtain};
use nkeys::KeyPair;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose,
};
use tempfile::TempDir;

use crate::chapters::say;

/// Where a fetched nats-server is kept.
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools");
/// The configurations as they are.
const CONFIGURATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/nats");
/// Whom `nats.env` names.
const NAMED: [&str; 6] = [
    "ingest",
    "projection",
    "alerting",
    "operator",
    "system",
    "leaf",
];

/// Who has keys, what the servers show, and a copy of `deploy/nats` that commands may write into.
#[derive(Debug)]
pub struct Operated {
    folder: Option<TempDir>,
    path: PathBuf,
}

impl Operated {
    /// Makes keys for all that `nats.env` names, and certificates.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("tiendo-operated-")
            .tempdir()?;
        let path = folder.path().to_owned();
        let operated = Self {
            folder: Some(folder),
            path,
        };
        fs::create_dir(operated.file("nats"))?;
        for entry in fs::read_dir(CONFIGURATIONS)? {
            let entry = entry?;
            fs::copy(entry.path(), operated.file("nats").join(entry.file_name()))?;
        }
        for who in NAMED {
            operated.make_key(who)?;
        }
        operated.certify()?;
        Ok(operated)
    }

    /// A place in its folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A configuration of `deploy/nats`, in the repository.
    #[must_use]
    pub fn shipped(name: &str) -> PathBuf {
        Path::new(CONFIGURATIONS).join(name)
    }

    /// The same in the copy.
    #[must_use]
    pub fn copied(&self, name: &str) -> PathBuf {
        self.file("nats").join(name)
    }

    /// Makes a pair of keys for somebody; gives the public one.
    ///
    /// # Errors
    /// The seed cannot be written.
    pub fn make_key(&self, who: &str) -> Result<String> {
        let key = KeyPair::new_user();
        fs::write(self.seed(who), key.seed()?)?;
        Ok(key.public_key())
    }

    /// The file with somebody's seed.
    #[must_use]
    pub fn seed(&self, who: &str) -> PathBuf {
        self.file(&format!("{who}.nk"))
    }

    /// Somebody's public key.
    ///
    /// # Errors
    /// There is no such key.
    pub fn public(&self, who: &str) -> Result<String> {
        let seed = fs::read_to_string(self.seed(who)).with_context(|| who.to_owned())?;
        Ok(KeyPair::from_seed(seed.trim())?.public_key())
    }

    /// Who vouches for the servers.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.file("ca.pem")
    }

    /// Somebody's way in.
    #[must_use]
    pub fn access(&self, url: &str, who: &str) -> Access {
        Access {
            url: url.to_owned(),
            nkey: Some(self.seed(who)),
            ca: Some(self.ca()),
            inbox: Some(format!("_INBOX_{who}")),
        }
    }

    /// The same, as `tiendo serve` and `tiendo subscriber` are told it.
    #[must_use]
    pub fn arguments(&self, url: &str, who: &str) -> Vec<String> {
        let (seed, ca) = (self.seed(who), self.ca());
        [
            "--nats",
            url,
            "--nats-nkey",
            &seed.to_string_lossy(),
            "--nats-ca",
            &ca.to_string_lossy(),
            "--nats-inbox",
            &format!("_INBOX_{who}"),
        ]
        .map(ToOwned::to_owned)
        .into()
    }

    /// Somebody as a third party connects.
    ///
    /// # Errors
    /// They are not let in.
    pub async fn client(&self, url: &str, who: &str) -> Result<async_nats::Client> {
        let seed = fs::read_to_string(self.seed(who))?;
        let options = async_nats::ConnectOptions::with_nkey(seed.trim().to_owned())
            .add_root_certificates(self.ca())
            .custom_inbox_prefix(format!("_INBOX_{who}"));
        Ok(options.connect(url).await?)
    }

    /// Starts a server of a configuration; what it lacks in `nats.env` is in `more`.
    ///
    /// # Errors
    /// It does not run.
    pub async fn server(
        &self,
        config: PathBuf,
        name: &str,
        arguments: Vec<OsString>,
        more: Vec<(OsString, OsString)>,
        ready: Ready,
    ) -> Result<Server> {
        let mut environment = vec![("TIENDO_NATS_NAME".into(), name.into())];
        for (variable, file) in [
            ("CERT", "server.pem"),
            ("KEY", "server.key"),
            ("CA", "ca.pem"),
        ] {
            let file = self.file(file).into_os_string();
            environment.push((format!("TIENDO_TLS_{variable}").into(), file));
        }
        for who in NAMED {
            let variable = format!("TIENDO_{}_KEY", who.to_uppercase());
            environment.push((variable.into(), self.public(who)?.into()));
        }
        environment.extend(more);
        let binary = tokio::task::spawn_blocking(nats_server).await??;
        let mut launch = Launch::new(binary, self.file(&format!("store-{name}")), 0);
        launch.given = Some(Given {
            config,
            arguments,
            environment,
            ready,
        });
        Ok(Server::start(launch).await?)
    }

    /// One that answers the operator.
    ///
    /// # Errors
    /// It does not run.
    pub async fn single(&self, config: PathBuf) -> Result<Server> {
        let ready = Ready::Answers(self.access("", "operator"));
        self.server(config, "nats-1", Vec::new(), Vec::new(), ready)
            .await
    }

    /// Removes its folder: the story was told to its good end.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn finish(mut self) -> Result<()> {
        if let Some(folder) = self.folder.take() {
            folder.close()?;
        }
        Ok(())
    }

    /// Certificates for everything on this machine, for servers and, among neighbours, clients.
    fn certify(&self) -> Result<()> {
        let mut of_issuer = CertificateParams::new(Vec::new())?;
        // A certificate that is named as its issuer is taken for its own.
        let named = |certificate: &mut CertificateParams, name: &str| {
            certificate.distinguished_name = DistinguishedName::new();
            certificate
                .distinguished_name
                .push(DnType::CommonName, name);
        };
        named(&mut of_issuer, "Tiendo NATS CA");
        of_issuer.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        of_issuer.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let issuer = CertifiedIssuer::self_signed(of_issuer, rcgen::KeyPair::generate()?)?;
        let names = ["127.0.0.1", "localhost"].map(ToOwned::to_owned);
        let mut of_server = CertificateParams::new(names)?;
        named(&mut of_server, "nats");
        of_server.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = rcgen::KeyPair::generate()?;
        let certificate = of_server.signed_by(&key, &issuer)?;
        fs::write(self.ca(), issuer.pem())?;
        fs::write(self.file("server.pem"), certificate.pem())?;
        fs::write(self.file("server.key"), key.serialize_pem())?;
        Ok(())
    }
}

impl Drop for Operated {
    fn drop(&mut self) {
        if let Some(folder) = self.folder.take() {
            say(format!(
                "the evidence is kept in {}",
                folder.keep().display()
            ));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test is its own `main`")]
pub(crate) fn nats_server() -> Result<PathBuf> {
    let explicit = std::env::var_os("TIENDO_NATS_SERVER").filter(|path| !path.is_empty());
    Ok(obtain(&Search {
        explicit: explicit.map(PathBuf::from),
        path: std::env::var_os("PATH"),
        cache: PathBuf::from(TOOLS),
    })?)
}
