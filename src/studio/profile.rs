//! What an uploader shows of themselves: the name, words, links, a picture made anew from the one they gave.

use std::io::Cursor;

use diesel::prelude::*;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, Rgb, RgbImage};

use crate::accounts::user::User;
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::{user_links, users};
use crate::error::{Error, Result};
use crate::guardians::minimum::Minimums;
use crate::ids::{Handle, UserId};
use crate::secrets::sha256;

/// Links a profile may show.
pub const LINKS: usize = 5;
/// The largest picture taken, in bytes and in pixels.
pub const PICTURE_BYTES: u64 = 20 << 20;
const PICTURE_PIXELS: u64 = 64_000_000;
/// The side of a kept picture: four times the largest place that shows it.
const SIDE: u32 = 448;

/// A link as a profile shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub label: String,
    pub url: String,
}

impl Link {
    /// Reads an address a person typed: https alone, with a host that looks like one, without a name and password in
    /// it. `Refused` says what is wrong.
    pub fn parse(text: &str) -> Result<Link> {
        let text = text.trim();
        let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let refused =
            |why: &str| Error::refused(format!("“{}” {why}", text.chars().take(60).collect::<String>()));
        let url = url::Url::parse(&whole).map_err(|_| refused("is no address."))?;
        if url.scheme() != "https" {
            return Err(refused("does not begin with https://, and we link to nothing else."));
        }
        let host = url.domain().filter(|host| host.contains('.')).ok_or_else(|| refused("is no address."))?;
        if !url.username().is_empty() || url.password().is_some() || url.as_str().len() > 300 {
            return Err(refused("is no address we link to."));
        }
        let path = url.path().trim_end_matches('/');
        let label = format!("{}{path}", host.trim_start_matches("www."));
        Ok(Link { label: label.chars().take(60).collect(), url: url.to_string() })
    }
}

/// A person's links in their order.
pub fn links_of(conn: &mut Conn, user: &UserId) -> Result<Vec<Link>> {
    let rows: Vec<(String, String)> = user_links::table
        .filter(user_links::user_id.eq(user))
        .order(user_links::position)
        .select((user_links::label, user_links::url))
        .load(conn)?;
    Ok(rows.into_iter().map(|(label, url)| Link { label, url }).collect())
}

/// Keeps the shown name, the words and the links. Licences keep the name of the day they were sold.
pub fn keep(
    conn: &mut Conn,
    user: &UserId,
    name: &str,
    about: &str,
    links: &[Link],
    now: Timestamp,
) -> Result<()> {
    User::find(conn, user)?.set_name(conn, name, now)?;
    diesel::update(users::table.find(user)).set(users::about.eq(about)).execute(conn)?;
    diesel::delete(user_links::table.filter(user_links::user_id.eq(user))).execute(conn)?;
    for (n, link) in links.iter().enumerate() {
        diesel::insert_into(user_links::table)
            .values((
                user_links::user_id.eq(user),
                user_links::position.eq(n as i32),
                user_links::label.eq(&link.label),
                user_links::url.eq(&link.url),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// Shows this picture, or none.
pub fn show_picture(conn: &mut Conn, user: &UserId, key: Option<&str>) -> Result<()> {
    diesel::update(users::table.find(user)).set(users::picture.eq(key)).execute(conn)?;
    Ok(())
}

/// Whether anybody may see a picture at this moment: it stands on a profile that is open to everyone.
pub fn is_shown(conn: &mut Conn, key: &str, least: &Minimums, now: Timestamp) -> Result<bool> {
    let whose: Vec<Option<Handle>> =
        users::table.filter(users::picture.eq(key)).select(users::handle).load(conn)?;
    for handle in whose.iter().flatten() {
        match least.profile(conn, handle, now) {
            Ok(_) => return Ok(true),
            Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// A picture as it is kept.
pub struct Picture {
    pub key: String,
    pub jpeg: Vec<u8>,
}

/// Makes a square JPEG of what somebody gave: decoded within limits and encoded anew, so that nothing of the file
/// travels on but its colours: no place, no device, no second file behind the first. Slow: not for async threads.
pub fn picture(bytes: &[u8]) -> Result<Picture> {
    const TAKEN: &str = "Please choose a JPEG, PNG or WebP picture.";
    let reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|_| Error::refused(format!("This is no picture we can read. {TAKEN}")))?;
    if reader.format().is_none() {
        return Err(Error::refused(format!("This is no picture we can read. {TAKEN}")));
    }
    let unread = |_| Error::refused(format!("This picture is damaged, or of a kind we do not read. {TAKEN}"));
    let mut decoder = reader.into_decoder().map_err(unread)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > PICTURE_PIXELS {
        return Err(Error::refused(
            "This picture has too many pixels. Please make it smaller than 8000 by 8000.",
        ));
    }
    if width.min(height) < 32 {
        return Err(Error::refused(
            "This picture is too small to be seen: it needs at least 32 by 32 pixels.",
        ));
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(PICTURE_PIXELS * 5);
    decoder.set_limits(limits).map_err(unread)?;
    let turned = decoder.orientation().map_err(unread)?;
    let mut whole = DynamicImage::from_decoder(decoder).map_err(unread)?;
    whole.apply_orientation(turned);
    let side = whole.width().min(whole.height());
    let (left, top) = ((whole.width() - side) / 2, (whole.height() - side) / 2);
    let square = whole.crop_imm(left, top, side, side).resize_exact(SIDE, SIDE, FilterType::CatmullRom);
    let mut jpeg = vec![];
    on_paper(&square)
        .write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, 84))
        .map_err(Error::internal)?;
    let hash = sha256(&jpeg);
    Ok(Picture { key: format!("pictures/{}.jpg", &hash[..32]), jpeg })
}

/// What is transparent shows paper.
fn on_paper(picture: &DynamicImage) -> RgbImage {
    let rgba = picture.to_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, a] = rgba.get_pixel(x, y).0.map(u32::from);
        let over = |c: u32| ((c * a + 250 * (255 - a)) / 255) as u8;
        Rgb([over(r), over(g), over(b)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(vec![]);
        DynamicImage::new_rgba8(width, height).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn links_are_https_and_nothing_else() {
        assert_eq!(
            Link::parse("www.ines.example/music/").unwrap(),
            Link { label: "ines.example/music".into(), url: "https://www.ines.example/music/".into() }
        );
        for bad in [
            "http://ines.example",
            "javascript:alert(1)",
            "https://",
            "https://localhost/",
            "https://user:pw@ines.example/",
            "https://1.2.3.4/",
            "data:text/html,x",
        ] {
            assert!(matches!(Link::parse(bad), Err(Error::Refused(_))), "{bad}");
        }
    }

    #[test]
    fn a_picture_becomes_a_small_square_jpeg() {
        let made = picture(&png(900, 300)).unwrap();
        let back = image::load_from_memory(&made.jpeg).unwrap();
        assert_eq!((back.width(), back.height()), (SIDE, SIDE));
        assert!(crate::storage::is_key(&made.key) && made.jpeg.len() < 100_000);
        assert_eq!(made.key, picture(&png(900, 300)).unwrap().key);
    }

    /// S3-49, S1-05: a picture is shown without the place, the device and whatever else its file holds.
    #[test]
    fn what_travels_with_a_picture_is_gone() {
        let mut jpeg = vec![];
        RgbImage::new(64, 64).write_with_encoder(JpegEncoder::new(&mut jpeg)).unwrap();
        // An EXIF segment behind the first marker, as a camera writes it.
        let exif = b"Exif\0\0MM\0*\0\0\0\x08\0\0 GPS 52.5200 13.4050";
        let mut marked = jpeg[..2].to_vec();
        marked.extend([0xff, 0xe1, 0, exif.len() as u8 + 2]);
        marked.extend_from_slice(exif);
        marked.extend_from_slice(&jpeg[2..]);
        marked.extend_from_slice(b"a second file");
        let made = picture(&marked).unwrap();
        for trace in [&b"Exif"[..], b"GPS", b"second"] {
            assert!(!made.jpeg.windows(trace.len()).any(|w| w == trace));
        }
    }

    #[test]
    fn what_is_no_picture_or_a_bomb_is_refused() {
        let mut bomb = png(64, 64);
        // The header says 60,000 by 60,000.
        bomb[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
        let gif = b"GIF89a\xff\xff\xff\xff\x00\x00\x00;".to_vec();
        for bytes in [vec![], b"<svg/>".to_vec(), bomb, png(8, 8), png(64, 64)[..60].to_vec(), gif] {
            assert!(matches!(picture(&bytes), Err(Error::Refused(_))));
        }
    }
}
