// Starts the page.
import { render } from '../vendor/preact.mjs';
import { html } from './ui.js';
import './live.js';

const place = document.getElementById('app');
place.textContent = '';
render(html`<main><h1>Voxtrace</h1><p>The pages come with the next version.</p></main>`, place);
