/** Puts the page together: state comes in from one place and every panel shows its part. */

import { Alerts } from './alerts.js';
import { classesPanel } from './classes.js';
import { classificationPanel } from './classification.js';
import { coachPanel } from './coach.js';
import { Connection } from './connection.js';
import { byId, onVisible, setText } from './dom.js';
import { galleryPanel, showImages } from './gallery.js';
import { mistakesPanel } from './mistakes.js';
import { recordPanel } from './record.js';
import { Screen } from './screen.js';
import { sendPanel } from './send.js';
import { entered, keepEntry } from './session.js';
import { TagField } from './tags.js';
import { trainingPanel } from './training.js';
import { unsurePanel } from './unsure.js';
import { uploads } from './upload.js';
import { versionsPanel } from './versions.js';

/** @typedef {import('./types.js').State} State */

const alerts = new Alerts();
const tags = new TagField();
const showRecord = recordPanel(tags);
const showTraining = trainingPanel(alerts);
const showVersions = versionsPanel();
const showClassification = classificationPanel(alerts);
const showClasses = classesPanel(tags);
const showUnsure = unsurePanel();
const showGallery = galleryPanel();
const showCoach = coachPanel(showImages);
const showMistakes = mistakesPanel(showImages);
uploads(tags);
sendPanel();

/** @type {State | undefined} */
let state;
let connected = false;

const connection = new Connection((changes) => {
  // The first event holds every section.
  state = /** @type {State} */ ({ ...state, ...changes });
  if (changes.tags || changes.dataset) {
    tags.show(state);
    showRecord(state);
    showClasses(state);
    showUnsure(state);
  }
  if (changes.training) {
    showTraining(changes.training);
    showVersions(changes.training);
  }
  if (changes.dataset || changes.training) {
    showCoach(state);
    showMistakes(state);
  }
  if (changes.dataset) showGallery(state.dataset);
  if (changes.classification) showClassification(changes.classification);
  if (changes.alerts) alerts.show(changes.alerts);
  showConnection();
}, (now) => {
  connected = now;
  showConnection();
  if (!now) void entered(); // its token may have been revoked
});

const screen = new Screen();

keepEntry();
await entered();

// Browsers open six connections to a server at most: pages out of sight must not hold two each.
onVisible((visible) => {
  if (visible) {
    connection.open();
    screen.start();
  } else {
    connection.close();
    screen.stop();
  }
});

function showConnection() {
  const status = byId('connection', HTMLElement);
  const offline = state ? [
    state.dataset.online ? '' : 'recorder',
    state.training.online ? '' : 'trainer',
    state.classification.online ? '' : 'classifier',
  ].filter((name) => name !== '') : [];
  document.body.classList.toggle('lost', !connected);
  if (!connected) {
    status.dataset.kind = 'wait';
    setText(status, 'reconnecting…');
  } else if (offline.length) {
    status.dataset.kind = 'bad';
    setText(status, `not answering: ${offline.join(', ')}`);
  } else {
    status.dataset.kind = 'good';
    setText(status, 'connected');
  }
}
