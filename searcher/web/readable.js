// What the service reads of the files that people have.

const read = ["image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp"];
const longest = 4096; // pixels of a picture that is drawn anew

// readable returns a file as it is, if the service reads its kind; a picture of another kind that this browser shows (AVIF,
// in some HEIC) as a JPEG file; and else the file, of which the service says what is wrong.
export async function readable(file) {
  if (!file.type.startsWith("image/") || read.includes(file.type)) return file;
  try {
    const picture = await createImageBitmap(file);
    const canvas = document.createElement("canvas");
    const scale = Math.min(1, longest / Math.max(picture.width, picture.height));
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    const drawing = canvas.getContext("2d");
    drawing.fillStyle = "white"; // behind what is transparent
    drawing.fillRect(0, 0, canvas.width, canvas.height);
    drawing.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    return (await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.95))) || file;
  } catch {
    return file;
  }
}
