//! A public-key infrastructure of four: who vouches, who calls, who is in
//! between, and who answers.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType,
    date_time_ymd,
};
use tonic::transport::{Certificate, ClientTlsConfig, Identity, ServerTlsConfig};

use crate::{
    AnyError,
    request::{EXECUTING, EXECUTING_AUTHORITY, ISSUING, ISSUING_AUTHORITY},
};

/// Trust domain that all certificates name.
pub(crate) const TRUST_DOMAIN: &str = "bench.example";
/// Name that all certificates carry.
pub(crate) const HOST: &str = "localhost";

/// The folder of certificates: `ca.pem`, and `<who>.pem` with `<who>.key` for
/// `client`, `proxy` and `backend`.
#[derive(Debug, Clone)]
pub(crate) struct Pki {
    /// Where it is.
    pub(crate) folder: PathBuf,
}

impl Pki {
    /// Makes new keys and certificates in `folder`.
    pub(crate) fn create(folder: PathBuf) -> Result<Self, AnyError> {
        fs::create_dir_all(&folder)?;
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters
            .distinguished_name
            .push(DnType::CommonName, "Benchmark authority");
        let ca = CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)?;
        fs::write(folder.join("ca.pem"), ca.pem())?;
        for (who, name) in [
            ("client", format!("{ISSUING}/{ISSUING_AUTHORITY}/issuing")),
            ("proxy", "EU/hub/gateway".to_owned()),
            (
                "backend",
                format!("{EXECUTING}/{EXECUTING_AUTHORITY}/backend"),
            ),
        ] {
            let mut parameters = CertificateParams::default();
            parameters.not_before = date_time_ymd(2000, 1, 1);
            parameters.not_after = date_time_ymd(2100, 1, 1);
            parameters.subject_alt_names = vec![
                SanType::DnsName(HOST.try_into()?),
                SanType::URI(format!("spiffe://{TRUST_DOMAIN}/{name}").try_into()?),
            ];
            let key = KeyPair::generate()?;
            let certificate = parameters.signed_by(&key, &ca)?;
            fs::write(folder.join(format!("{who}.pem")), certificate.pem())?;
            write_secret(&folder.join(format!("{who}.key")), &key.serialize_pem())?;
        }
        Ok(Self { folder })
    }

    /// A folder made before.
    pub(crate) fn open(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// How the load client calls.
    pub(crate) fn client(&self) -> io::Result<ClientTlsConfig> {
        self.calling("client")
    }

    /// How the relay calls the backend.
    pub(crate) fn relay_out(&self) -> io::Result<ClientTlsConfig> {
        self.calling("proxy")
    }

    /// How the relay is called.
    pub(crate) fn relay_in(&self) -> io::Result<ServerTlsConfig> {
        self.called("proxy")
    }

    /// How the backend is called.
    pub(crate) fn backend(&self) -> io::Result<ServerTlsConfig> {
        self.called("backend")
    }

    fn calling(&self, who: &str) -> io::Result<ClientTlsConfig> {
        Ok(ClientTlsConfig::new()
            .ca_certificate(self.ca()?)
            .identity(self.identity(who)?)
            .domain_name(HOST))
    }

    /// Nobody calls without a certificate.
    fn called(&self, who: &str) -> io::Result<ServerTlsConfig> {
        Ok(ServerTlsConfig::new()
            .client_ca_root(self.ca()?)
            .identity(self.identity(who)?))
    }

    fn ca(&self) -> io::Result<Certificate> {
        fs::read(self.folder.join("ca.pem")).map(Certificate::from_pem)
    }

    fn identity(&self, who: &str) -> io::Result<Identity> {
        Ok(Identity::from_pem(
            fs::read(self.folder.join(format!("{who}.pem")))?,
            fs::read(self.folder.join(format!("{who}.key")))?,
        ))
    }
}

/// Writes what its owner alone may read, also where it is there: the gateway takes no
/// other key.
fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())
}
