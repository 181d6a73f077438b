// Forms: a file goes up with its progress shown, a button is pressed once, dangerous things ask with their name.

// <form data-upload method="post" enctype="multipart/form-data">: the hidden token stands before the file.
function upload(form) {
  const file = form.querySelector('input[type=file]').files[0];
  const button = form.querySelector('button');
  let place = form.querySelector('.progress');
  if (!place) {
    place = document.createElement('div');
    place.className = 'progress';
    place.setAttribute('role', 'status');
    place.append(document.createElement('progress'), document.createElement('p'));
    form.append(place);
  }
  const [bar, words] = [place.querySelector('progress'), place.querySelector('p')];
  const size = (n) => (n >= 1 << 30 ? `${(n / (1 << 30)).toFixed(2)} GiB` : n >= 1 << 20 ? `${(n / (1 << 20)).toFixed(1)} MiB` : `${Math.ceil(n / 1024)} KiB`);
  bar.max = 1;
  bar.value = 0;
  words.textContent = `Sending ${file?.name ?? 'the file'}…`;
  button.disabled = true;
  const leaving = (event) => event.preventDefault();
  addEventListener('beforeunload', leaving);
  const began = Date.now();
  const request = new XMLHttpRequest();
  request.open('POST', form.action);
  request.setRequestHeader('Accept', 'text/html');
  request.upload.onprogress = (event) => {
    if (!event.lengthComputable) return;
    bar.value = event.loaded / event.total;
    const left = ((Date.now() - began) / event.loaded) * (event.total - event.loaded) / 1000;
    const wait = event.loaded === event.total ? 'storing it safely…' : left > 90 ? `about ${Math.round(left / 60)} minutes left` : `about ${Math.max(1, Math.round(left))} seconds left`;
    words.textContent = `${size(event.loaded)} of ${size(event.total)} · ${wait}`;
  };
  const stopped = (sentence) => {
    removeEventListener('beforeunload', leaving);
    button.disabled = false;
    words.textContent = sentence;
    button.focus();
  };
  request.onload = () => {
    removeEventListener('beforeunload', leaving);
    if (request.status < 400) { location.assign(request.responseURL); return; }
    const page = new DOMParser().parseFromString(request.responseText, 'text/html');
    const fault = page.querySelector('.fault, .faults p, .lead')?.textContent.trim();
    stopped(fault || 'The shop could not take the file. Nothing was kept; please try again.');
  };
  request.onerror = () => stopped('The connection broke. Nothing was kept; press the button to send it again.');
  request.onabort = request.onerror;
  request.send(new FormData(form));
}

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (event.defaultPrevented) return;
  if (form.dataset.confirm !== undefined) {
    if (!confirm(form.dataset.confirm)) { event.preventDefault(); return; }
    // Whoever was not asked here is asked by the shop.
    if (!form.elements.sure) form.append(Object.assign(document.createElement('input'), { type: 'hidden', name: 'sure', value: 'yes' }));
  }
  if (form.dataset.upload !== undefined) { event.preventDefault(); upload(form); return; }
  if (form.method === 'post') {
    // Pressed twice is sent once; coming back by the browser's button finds it pressable again.
    if (form.dataset.sent !== undefined) { event.preventDefault(); return; }
    form.dataset.sent = '';
    setTimeout(() => delete form.dataset.sent, 8000);
  }
});
addEventListener('pageshow', () => { for (const form of document.querySelectorAll('form[data-sent]')) delete form.dataset.sent; });

// A select that is a filter goes at once; its button is for browsers without script.
document.addEventListener('change', (event) => {
  const form = event.target.closest?.('form[data-now]');
  if (form) form.requestSubmit();
});

// The name of a chosen file helps to name the sound.
document.addEventListener('change', (event) => {
  if (event.target.type !== 'file') return;
  const name = event.target.closest('form')?.querySelector('[data-file-name]');
  if (name) name.textContent = event.target.files[0]?.name ?? '';
});
