// Gives what people cannot read or hit on the page as it stands, as sentences (WCAG 2.2: 1.4.3, 1.4.11, 2.5.8). Shadow trees are
// looked through as well.
(() => {
  const failures = new Set();
  const tell = (what, element) => failures.add(`${what}: ${element.outerHTML.replace(/\s+/g, " ").slice(0, 160)}`);
  const parent = (element) => element.parentElement ?? element.getRootNode().host;
  function* all(root) {
    for (const element of root.querySelectorAll("*")) {
      yield element;
      if (element.shadowRoot) yield* all(element.shadowRoot);
    }
  }
  const hidden = (element) => !element.checkVisibility({ visibilityProperty: true }) ||
    [...function* () { for (let e = element; e; e = parent(e)) yield e; }()].some((e) => getComputedStyle(e).clipPath === "inset(50%)");
  const shown = [...all(document.body)].filter((element) => !hidden(element));
  const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

  // Colours are [red, green, blue, alpha], from 0 to 255, and alpha to 1.
  const brush = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const known = {};
  const colour = (css) => known[css] ??= (() => {
    brush.clearRect(0, 0, 1, 1);
    brush.fillStyle = css;
    brush.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = brush.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  })();
  const over = ([r, g, b, a], below) => {
    const alpha = a + below[3] * (1 - a);
    return [...[r, g, b].map((c, i) => alpha && (c * a + below[i] * below[3] * (1 - a)) / alpha), alpha];
  };
  const light = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ratio = (a, b) => (Math.max(light(a), light(b)) + .05) / (Math.min(light(a), light(b)) + .05);

  const pictures = shown.filter((e) => e.matches("img")).map((e) => e.getBoundingClientRect());
  // contrast is that of an ink in an element. What lies over a picture is measured over white and over black.
  function contrast(element, ink) {
    const at = element.getBoundingClientRect();
    let text = ink, ground = [0, 0, 0, 0], base = ["#fff"];
    for (let e = element; e && ground[3] < 1; e = parent(e)) {
      const style = getComputedStyle(e), below = colour(style.backgroundColor);
      [text, ground] = [over(text, below), over(ground, below)];
      const opacity = Number(style.opacity);
      [text, ground] = [text, ground].map(([r, g, b, a]) => [r, g, b, a * opacity]);
      if (style.position === "absolute" && pictures.some((picture) => overlap(picture, at))) {
        base = ["#fff", "#000"];
        break;
      }
    }
    return Math.min(...base.map(colour).map((b) => ratio(over(text, b), over(ground, b))));
  }
  for (const element of shown) {
    const style = getComputedStyle(element), size = parseFloat(style.fontSize);
    const least = size >= 24 || size >= 18.66 && style.fontWeight >= 700 ? 3 : 4.5;
    const inks = [];
    if ([...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim())) inks.push(element instanceof SVGElement ? style.fill : style.color);
    if (element.matches("input")) inks.push(style.color, ...element.placeholder ? [getComputedStyle(element, "::placeholder").color] : []);
    if (element.closest("style, script, template, :disabled")) continue;
    if (element.matches("input, select, textarea") && parseFloat(style.borderTopWidth)) {
      const edge = contrast(parent(element), colour(style.borderTopColor));
      if (edge < 3) tell(`an edge of contrast ${edge.toFixed(2)}, not 3`, element);
    }
    for (const ink of inks) {
      const found = contrast(element, colour(ink));
      if (found < least) tell(`contrast of ${found.toFixed(2)}, not ${least}`, element);
    }
  }

  // A control that is small has room around it for a circle 24 pixels wide, unless it is a word of a sentence.
  const small = 24;
  const targets = shown.filter((e) => e.matches("a[href], button, input, select, textarea, summary")).map((element) => {
    const { left, top, right, bottom, width, height } = element.getBoundingClientRect();
    const x = (left + right) / 2, y = (top + bottom) / 2;
    let scroller = element;
    do scroller = parent(scroller); while (scroller && getComputedStyle(scroller).overflowY === "visible");
    return { element, left, top, right, bottom, x, y, scroller, small: width < small || height < small };
  });
  const inSentence = (element) => getComputedStyle(element).display === "inline" && [...element.parentNode.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim());
  const near = (one, other) => Math.hypot(...[["x", "left", "right"], ["y", "top", "bottom"]].map(([at, from, to]) =>
    other.small ? one[at] - other[at] : Math.max(other[from] - one[at], 0, one[at] - other[to]))) < (other.small ? small : small / 2);
  for (const one of targets) {
    if (!one.small || inSentence(one.element)) continue;
    if (targets.some((other) => other !== one && other.scroller === one.scroller && !other.element.contains(one.element) && near(one, other))) tell("less than 24 x 24 pixels, and others near", one.element);
  }
  return [...failures];
})()
