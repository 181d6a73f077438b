//! An S3 service inside the test process. It checks signatures as strictly as Amazon does.

use cuehouse::storage::{S3Access, Storage, StorageUrl};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;

use super::folder::TestFolder;

pub struct S3Here {
    pub access: S3Access,
    pub bucket: String,
    /// What the service keeps, its own notes included.
    pub folder: TestFolder,
}

impl S3Here {
    /// The setting for a part of the bucket.
    pub fn url(&self, prefix: &str) -> StorageUrl {
        StorageUrl::S3 { bucket: self.bucket.clone(), prefix: prefix.into() }
    }

    /// What leads a program to the service, by the names of the environment.
    pub fn settings(&self) -> [(&'static str, &str); 4] {
        [
            ("AWS_ENDPOINT_URL", self.access.endpoint.as_deref().unwrap_or_default()),
            ("AWS_REGION", &self.access.region),
            ("AWS_ACCESS_KEY_ID", &self.access.access_key),
            ("AWS_SECRET_ACCESS_KEY", &self.access.secret_key),
        ]
    }

    /// A store in that part.
    pub fn storage(&self, prefix: &str) -> Storage {
        Storage::open(&self.url(prefix), Some(&self.access)).unwrap()
    }
}

/// Starts a service with one empty bucket. It lives as long as the test's runtime.
pub async fn s3_here() -> S3Here {
    let folder = TestFolder::new();
    let bucket = "shop".to_owned();
    std::fs::create_dir(folder.path().join(&bucket)).unwrap();
    let files = s3s_fs::FileSystem::new(folder.path()).unwrap();
    let mut service = s3s::service::S3ServiceBuilder::new(files);
    service.set_auth(s3s::auth::SimpleAuth::from_single("AKIDTEST", "a secret of the tests"));
    let service = service.build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let _ =
                    Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
    let access = S3Access {
        endpoint: Some(endpoint),
        // With this name, as opposed to us-east-1, a service takes the location we name.
        region: "eu-test-1".into(),
        access_key: "AKIDTEST".into(),
        secret_key: "a secret of the tests".into(),
        session_token: None,
    };
    S3Here { access, bucket, folder }
}
