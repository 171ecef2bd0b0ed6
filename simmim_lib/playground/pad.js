// A pad to draw on, by mouse, finger, pen or keys. It sends grey values from 0 to 1, row by row.
const SIDE = 28;
const SCALE = 10;
const INK = 1.6; // of a stroke, in pixels of the small picture

function render({ model, el }) {
  const pixels = new Float32Array(SIDE * SIDE);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE * SCALE;
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label",
    "A pad to draw a digit on. With keys: arrows move the pen, space puts it down or lifts it, Delete clears.");
  canvas.style.cssText = "border: 1px solid #777; touch-action: none; max-width: 100%; background: #000";
  const clear = document.createElement("button");
  clear.textContent = "Clear";
  const hint = document.createElement("p");
  hint.textContent = "Draw with mouse or finger; or with arrow keys, space puts the pen down.";
  el.append(canvas, document.createElement("br"), clear, hint);

  const paper = canvas.getContext("2d");
  const pen = { x: SIDE / 2, y: SIDE / 2, down: false, byKeys: false };

  function paint() {
    const image = paper.createImageData(SIDE, SIDE);
    pixels.forEach((grey, place) => {
      image.data.fill(Math.round(255 * grey), 4 * place, 4 * place + 3);
      image.data[4 * place + 3] = 255;
    });
    const small = document.createElement("canvas");
    small.width = small.height = SIDE;
    small.getContext("2d").putImageData(image, 0, 0);
    paper.imageSmoothingEnabled = false;
    paper.drawImage(small, 0, 0, canvas.width, canvas.height);
    if (pen.byKeys) {
      paper.strokeStyle = pen.down ? "#E69F00" : "#56B4E9";
      paper.strokeRect((pen.x - 1) * SCALE, (pen.y - 1) * SCALE, 2 * SCALE, 2 * SCALE);
    }
  }

  function blot(x, y) {
    for (let row = 0; row < SIDE; row++) {
      for (let column = 0; column < SIDE; column++) {
        const far = Math.hypot(column + 0.5 - x, row + 0.5 - y);
        const grey = Math.min(1, Math.max(0, INK + 0.5 - far));
        pixels[row * SIDE + column] = Math.max(pixels[row * SIDE + column], grey);
      }
    }
  }

  function line(x, y) {
    const steps = Math.max(1, Math.ceil(2 * Math.hypot(x - pen.x, y - pen.y)));
    for (let step = 1; step <= steps; step++) {
      blot(pen.x + ((x - pen.x) * step) / steps, pen.y + ((y - pen.y) * step) / steps);
    }
  }

  function send() {
    model.set("pixels", Array.from(pixels));
    model.save_changes();
  }

  function wipe() {
    pixels.fill(0);
    paint();
    send();
  }

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    [pen.x, pen.y] = place(event);
    pen.down = true;
    pen.byKeys = false;
    blot(pen.x, pen.y);
    paint();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!pen.down || pen.byKeys) return;
    const [x, y] = place(event);
    line(x, y);
    [pen.x, pen.y] = [x, y];
    paint();
  });
  const lift = () => {
    if (pen.down && !pen.byKeys) {
      pen.down = false;
      send();
    }
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key === "Delete" || event.key === "Backspace") wipe();
    else if (event.key === " ") {
      pen.down = !(pen.down && pen.byKeys);
      if (pen.down) blot(pen.x, pen.y);
      else send();
    } else if (moves[event.key]) {
      const x = Math.min(SIDE - 1, Math.max(1, pen.x + moves[event.key][0]));
      const y = Math.min(SIDE - 1, Math.max(1, pen.y + moves[event.key][1]));
      if (pen.down && pen.byKeys) line(x, y);
      [pen.x, pen.y] = [x, y];
    } else return;
    pen.byKeys = true;
    event.preventDefault();
    event.stopPropagation();
    paint();
  });
  clear.addEventListener("click", wipe);
  paint();
}

export default { render };
