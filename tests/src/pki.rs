//! A certificate authority of one cluster's own.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};

use crate::error::{Context as _, Result};

/// The CA, and the folder in which all certificates and keys lie as PEM files.
pub struct Pki {
    dir: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

impl std::fmt::Debug for Pki {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pki").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// A certificate with its key, as files.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM (PKCS #8).
    pub key: PathBuf,
}

impl Pki {
    /// Makes the CA, the API server's serving certificate and the key of service accounts.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn create(dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir).context("pki folder")?;
        let mut params = CertificateParams::default();
        // CA and leaves need different names: OpenSSL takes equal ones for a self-signed certificate.
        params.distinguished_name.push(DnType::CommonName, "bastion-test-ca");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().context("CA key")?;
        let certificate = params.self_signed(&key).context("CA certificate")?;
        fs::write(dir.join("ca.crt"), certificate.pem()).context("ca.crt")?;
        let pki = Self { dir: dir.to_owned(), issuer: Issuer::new(params, key) };

        let mut serving = CertificateParams::new(vec!["localhost".to_owned(), "kubernetes.default.svc".to_owned()])
            .context("serving certificate")?;
        for ip in [Ipv4Addr::LOCALHOST, Ipv4Addr::new(10, 96, 0, 1)] {
            serving.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(ip)));
        }
        serving.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        serving.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        pki.sign("apiserver", &serving)?;

        // ECDSA is as good as RSA for service account tokens, and made at once.
        let tokens = KeyPair::generate().context("service account key")?;
        fs::write(dir.join("sa.key"), tokens.serialize_pem()).context("sa.key")?;
        fs::write(dir.join("sa.pub"), tokens.public_key_pem()).context("sa.pub")?;
        Ok(pki)
    }

    /// The client certificate of a user (CN), in a group (O) where one is given.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn client(&self, user: &str, group: Option<&str>) -> Result<Identity> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, user);
        if let Some(group) = group {
            params.distinguished_name.push(DnType::OrganizationName, group);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let file = user.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        self.sign(&file, &params)
    }

    /// A file of the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn sign(&self, name: &str, params: &CertificateParams) -> Result<Identity> {
        let key = KeyPair::generate().context("key")?;
        let certificate = params.signed_by(&key, &self.issuer).context(format!("certificate of {name}"))?;
        let identity =
            Identity { certificate: self.file(&format!("{name}.crt")), key: self.file(&format!("{name}.key")) };
        fs::write(&identity.certificate, certificate.pem()).context("certificate")?;
        fs::write(&identity.key, key.serialize_pem()).context("key")?;
        Ok(identity)
    }
}
